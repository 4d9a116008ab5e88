package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

const wholeTemplate = `{"title": "{{if eq .state "resolved"}}OK{{else}}{{.severity}}{{end}}: {{.subject}}",
  "line": "{{.evidence}}", "labels": {{json .labels}}, "source": "{{.labels.source}}", "rule": {{json .rule}}}`

// TestNoValueBreaksOutOfATemplate: quotes, line breaks and backslashes of an alert.
func TestNoValueBreaksOutOfATemplate(t *testing.T) {
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	text := strings.ReplaceAll(wholeTemplate, "{{.labels.source}}", `{{with index .labels "source"}}{{.}}{{end}}`)
	target, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, srv.URL, 0o600),
		TemplateFile: secret(t, text, 0o644)})
	if err != nil {
		t.Fatal(err)
	}
	m := alert()
	m.Evidence += `", "injected": "yes`
	m.Labels["source"] = `a"b`
	if err := target.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title, Line, Source, Rule string
		Labels                    map[string]string
		Injected                  string
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Title != "critical: "+m.Subject || got.Line != m.Evidence || got.Source != `a"b` ||
		got.Labels["source"] != `a"b` || got.Rule != "heap" || got.Injected != "" {
		t.Fatalf("got %+v", got)
	}
}

func TestABrokenTemplateIsFoundAtTheStart(t *testing.T) {
	for name, text := range map[string]string{
		"no end":         `{"a": "{{.subject}"}`,
		"unknown key":    `{"a": "{{.subjekt}}"}`,
		"no JSON":        `subject={{.subject}}`,
		"unquoted":       `{"a": {{.subject}}}`,
		"broken if":      `{"a": "x"{{if eq .state "resolved"}},{{end}}}`,
		"two documents":  `{} {}`,
		"nothing":        ``,
		"missing label":  `{"a": "{{.labels.host}}"}`,
		"no function":    `{"a": "{{shout .subject}}"}`,
		"calls template": `{{template "x"}}`,
	} {
		_, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, "https://h.example/x", 0o600),
			TemplateFile: secret(t, text, 0o644)})
		if ops.CodeOf(err) != ops.Config {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, "https://h.example/x", 0o600),
		TemplateFile: "/nowhere/t.json"})
	if ops.CodeOf(err) != ops.Config {
		t.Errorf("no file: %v", err)
	}
}
