package notify

import (
	"bytes"
	"encoding/json"
	"text/template"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// quoted is a value within a template: it prints as it must stand between the quotes
// of JSON text, so that no value can break out of them. In comparisons it is itself.
type quoted string

// String is the value escaped for JSON, without quotes around it.
func (q quoted) String() string {
	text, err := json.Marshal(string(q))
	if err != nil {
		return ""
	}
	return string(text[1 : len(text)-1])
}

// form is the JSON of a webhook by the operator's own template: {{.subject}} and the
// other keys of the plain webhook, for use between quotes; {{json .labels}} is a value
// with its quotes.
type form struct{ t *template.Template }

// readForm reads a template and tries it on messages of each kind: a form that is
// broken is found now rather than with the first alert.
func readForm(path string) (*form, error) {
	broken := func(err error) error {
		return ops.Wrap(err, ops.Config, lang.M("the template %s has an error", path)).
			WithHint(lang.M(`it must give JSON, such as {"text": "{{.subject}}"}`))
	}
	text, err := regular.ReadFile(config.Home(path))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	t, err := template.New(path).Option("missingkey=error").
		Funcs(template.FuncMap{"json": jsonOf}).Parse(string(text))
	if err != nil {
		return nil, broken(err)
	}
	f := &form{t}
	at := time.Unix(0, 0)
	for _, m := range []Message{
		{},
		{Service: `a"b`, Subject: "c\\\n", Text: "d", Rule: "e", State: "firing", Since: at},
		{Service: "a", Subject: "b", Text: "{", Rule: "e", State: "resolved", Since: at, Ended: at},
	} {
		if _, err := f.fill(m); err != nil {
			return nil, broken(err)
		}
	}
	return f, nil
}

func jsonOf(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// fill is the body for a message; it is valid JSON.
func (f *form) fill(m Message) ([]byte, error) {
	var out bytes.Buffer
	if err := f.t.Execute(&out, valuesOf(m)); err != nil {
		return nil, err
	}
	var whole json.RawMessage
	if err := json.Unmarshal(out.Bytes(), &whole); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func valuesOf(m Message) map[string]any {
	labels := map[string]quoted{}
	for name, value := range m.Labels {
		labels[name] = quoted(value)
	}
	since := func(t time.Time) quoted {
		if t.IsZero() {
			return ""
		}
		return quoted(t.Format(time.RFC3339))
	}
	return map[string]any{
		"service":         quoted(m.Service),
		"subject":         quoted(m.Subject),
		"text":            quoted(m.Text),
		"rule":            quoted(m.Rule),
		"severity":        quoted(m.Severity),
		"state":           quoted(m.State),
		"since":           since(m.Since),
		"ended":           since(m.Ended),
		"evidence":        quoted(m.Evidence),
		"next":            quoted(m.Next),
		"fingerprint":     quoted(m.Fingerprint),
		"idempotency_key": quoted(m.IdempotencyKey),
		"labels":          labels,
	}
}
