package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops"
)

// hook posts JSON to a URL that is itself a secret.
type hook struct {
	kind   string
	url    *url.URL
	secret string // signs DingTalk's and Feishu's messages; else a bearer token; may be empty
	client *http.Client
	form   *form             // of a webhook with a template
	labels map[string]string // of Alertmanager
	now    func() time.Time
}

func newHook(c config.Notify, now func() time.Time) (*hook, error) {
	h := &hook{kind: c.Kind, now: now, labels: c.Labels}
	var err error
	if h.url, h.secret, err = readURL(c.URLFile, c.Kind == "alertmanager"); err != nil {
		return nil, err
	}
	if c.Kind == "alertmanager" {
		h.url.Path = withAlertsPath(h.url.Path)
	}
	if c.Kind == "webhook" && c.TemplateFile != "" {
		if h.form, err = readForm(c.TemplateFile); err != nil {
			return nil, err
		}
	}
	h.client, err = httpClient(c.CAFile)
	return h, err
}

// httpClient follows no redirect: the message and its token are for one host.
func httpClient(caFile string) (*http.Client, error) {
	client := &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if caFile == "" {
		return client, nil
	}
	roots, err := rootsOf(caFile)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	client.Transport = transport
	return client, nil
}

// readURL reads a secret file: the URL, and what is on its second line. Plain http
// is for this machine, and where open says so for an address that holds no secret.
func readURL(path string, open bool) (u *url.URL, secret string, err error) {
	if path == "" {
		return nil, "", ops.E(ops.Config, lang.M("the notify target has no url_file"))
	}
	text, err := secretFile(path)
	if err != nil {
		return nil, "", err
	}
	lines := strings.Fields(text)
	if len(lines) == 0 {
		return nil, "", ops.E(ops.Config, lang.M("the file %s contains no URL", path))
	}
	if len(lines) > 1 {
		secret = lines[1]
	}
	u, err = url.Parse(lines[0])
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, "", ops.E(ops.Config, lang.M("the file %s contains no https URL", path))
	}
	open = open && secret == "" && u.User == nil && u.RawQuery == ""
	if u.Scheme == "http" && !open && !listener.Loopback(u.Hostname()) {
		return nil, "", ops.E(ops.Config, lang.M("the file %s contains no https URL", path))
	}
	return u, secret, nil
}

// body is the message in the target's own form, unsigned; text where a template made it.
func (h *hook) body(m Message) (payload any, text []byte, err error) {
	switch {
	case h.form != nil:
		text, err = h.form.fill(m)
		return nil, text, err
	case h.kind == "alertmanager":
		return postable(m, h.labels, h.now()), nil, nil
	case h.kind == "webhook":
		return m.plain(), nil, nil
	}
	return chatPayload(h.kind, m), nil, nil
}

func (h *hook) preview(m Message) string {
	payload, text, err := h.body(m)
	if err == nil && text == nil {
		text, err = json.MarshalIndent(payload, "", "  ")
	}
	if err != nil {
		return err.Error()
	}
	return "POST " + h.url.Scheme + "://" + h.url.Host + "/…\n\n" + string(text)
}

func (h *hook) send(ctx context.Context, m Message) error {
	u := *h.url
	payload, text, err := h.body(m)
	if err != nil {
		return unacceptable(lang.M("the template does not give JSON: %s", err.Error()))
	}
	if text == nil {
		if h.secret != "" {
			sign(h.kind, h.secret, h.now(), &u, payload)
		}
		if text, err = json.Marshal(payload); err != nil {
			return err
		}
	}
	return h.post(ctx, &u, text, m.IdempotencyKey)
}

func (h *hook) post(ctx context.Context, u *url.URL, body []byte, key string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return permanent(lang.M("the URL is not valid"))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "opsdeck")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if h.secret != "" && !signs(h.kind) {
		req.Header.Set("Authorization", "Bearer "+h.secret)
	}
	res, err := h.client.Do(req)
	if err != nil {
		return connectionFailed(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return connectionFailed(err)
	}
	if f := judgeStatus(res); f != nil {
		if h.kind == "alertmanager" && res.StatusCode == http.StatusBadRequest {
			return unacceptable(lang.M("it refused: %s", masked(string(answer), h.secrets()...)))
		}
		return f
	}
	if f := judgeChat(h.kind, answer, h.secrets()); f != nil {
		return f
	}
	return nil
}

// secrets are what a peer's words must not show of the URL and its second line.
func (h *hook) secrets() []string {
	out := []string{h.secret, h.url.String(), h.url.RequestURI(), h.url.RawQuery}
	for _, values := range h.url.Query() {
		out = append(out, values...)
	}
	return append(out, strings.Split(h.url.Path, "/")...)
}

// judgeStatus tells whether a status means that the message was taken. A client's
// error stays one however often it is sent.
func judgeStatus(res *http.Response) *failure {
	code := res.StatusCode
	switch {
	case code >= 200 && code <= 299:
		return nil
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return temporary(waitOf(res), lang.M("it responded with %d", code))
	case code >= 300 && code <= 399:
		return permanent(lang.M("it responded with %d, a redirect; redirects are not followed", code))
	}
	why := lang.M("it responded with %d", code)
	if slices.Contains(contentCodes, code) {
		return unacceptable(why)
	}
	return permanent(why)
}

// contentCodes are the statuses that speak of what was sent, and not of the address or of
// who sends (RFC 9110, 15.5).
var contentCodes = []int{
	http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity,
}

// waitOf reads Retry-After (RFC 9110, 10.2.3), a number of seconds or a date; an
// hour at most.
func waitOf(res *http.Response) time.Duration {
	text := res.Header.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(time.Until(at), time.Hour))
	}
	return 0
}
