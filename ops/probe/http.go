// Package probe is the adapter that looks at everything of a service but its
// database and its process: HTTP health endpoints, TLS certificates, clocks,
// Redis, disks, the newest backup and log files. Each function makes a
// health.Probe; none of them changes anything, and none reads more than a
// bounded answer.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Bounds of an answer.
const (
	maxBody      = 64 << 10
	maxHeader    = 64 << 10
	maxRedirects = 5
)

var (
	errRedirects = errors.New("redirects without end")
	errLarge     = errors.New("answer too large")
)

// newClient makes a client that opens a connection for every look: whether one
// can be opened is part of the question.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader, Proxy: nil,
			DialContext: (&net.Dialer{}).DialContext, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRedirects
			}
			return nil
		},
	}
}

// answer is a bounded HTTP answer.
type answer struct {
	code   int
	status string
	header http.Header
	body   []byte
	tls    *tls.ConnectionState
	sent   time.Time
	took   time.Duration
}

func get(ctx context.Context, client *http.Client, address string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", "opsdeck")
	req.Header.Set("Accept", "application/json")
	a := answer{sent: time.Now()}
	resp, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.took = time.Since(a.sent)
	a.code = resp.StatusCode
	a.status = resp.Status
	a.header = resp.Header
	a.tls = resp.TLS
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(a.body) > maxBody {
		err = errLarge
	}
	return a, err
}

// raw is the answer for people, bounded and without secrets.
func (a answer) raw() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %s\n", a.status)
	names := make([]string, 0, len(a.header))
	for n := range a.header {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(&b, "%s: %s\n", n, strings.Join(a.header[n], ", "))
	}
	body := a.body
	if len(body) > 4096 {
		body = body[:4096]
	}
	fmt.Fprintf(&b, "\n%s", body)
	return redact.Text(b.String())
}

// why says in a few words why a request failed.
func why(err error) lang.Msg {
	var (
		dns     *net.DNSError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		netErr  net.Error
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return lang.M("connection refused")
	case errors.Is(err, errRedirects):
		return lang.M("it redirects more than %d times", maxRedirects)
	case errors.Is(err, errLarge):
		return lang.M("the response is larger than %s", human.Bytes(maxBody))
	case errors.As(err, &host):
		return lang.M("the TLS certificate is for other names: %s", strings.Join(namesOn(host.Certificate), ", "))
	case errors.As(err, &unknown):
		return lang.M("the TLS certificate is signed by an unknown authority")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return lang.M("the TLS certificate has expired or is not yet valid")
	case errors.As(err, &record):
		return lang.M("the server does not use TLS")
	case errors.As(err, &dns):
		return lang.M("name not found")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return lang.M("timed out without a response")
	case errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE),
		strings.Contains(err.Error(), "server closed idle connection"):
		return lang.M("the connection broke")
	case strings.Contains(err.Error(), "malformed HTTP"),
		strings.Contains(err.Error(), "server response headers exceeded"),
		strings.Contains(err.Error(),
			"readLoopPeekFailLocked"): // net/http's words for one who speaks before he is asked
		return lang.M("the server that answers does not use HTTP")
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return lang.M("the server does not use TLS")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return lang.Raw(redact.Text(err.Error()))
}

func namesOn(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, c.Subject.CommonName)
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return names
}

// Join puts a path under a base address: "http://h:3000/" and "/health".
func Join(base, path string) string { return strings.TrimRight(base, "/") + path }

// Liveness asks base/health, which answers 200 and {"status":"ok"} (FIELD.md).
func Liveness(base string) health.Probe {
	client := newClient()
	address := Join(base, "/health")
	var started time.Time
	return func(ctx context.Context) health.Result {
		a, err := get(ctx, client, address)
		r, body := judged(a, err, "/health")
		if body == nil {
			return r
		}
		status, _ := body["status"].(string)
		addText(&r, body, "status", "message")
		if up, ok := body["uptime"].(float64); ok && up >= 0 && up < 1e10 {
			started = health.Steady(started, a.sent.Add(-time.Duration(up*float64(time.Second))))
			r.Add("uptime_ms", int64(up*1000), lang.M("since %s", started))
			r.Detail = lang.M("up since %s", started)
		}
		switch {
		case a.code != http.StatusOK:
			r.Find(ops.StateCritical, lang.M("%s fails", "/health"), lang.M("HTTP %d", a.code))
		case status != "ok":
			r.Find(ops.StateCritical, lang.M("%s fails", "/health"), lang.M("its status is %q", clip(status)))
		}
		return r
	}
}

// Readiness asks base/health/ready: 200, or 503 when any of its checks is false.
func Readiness(base string) health.Probe {
	client := newClient()
	address := Join(base, "/health/ready")
	return func(ctx context.Context) health.Result {
		a, err := get(ctx, client, address)
		r, body := judged(a, err, "/health/ready")
		if r.Down {
			r.Follows = health.KindHTTP
		}
		if body == nil {
			return r
		}
		checks, ok := body["checks"].(map[string]any)
		if !ok {
			return broken(a, "/health/ready", lang.M("the response has no checks"))
		}
		bad := addChecks(&r, checks)
		addText(&r, body, "status", "message")
		r.Detail = lang.M("ready: %s", strings.Join(sorted(checks), ", "))
		switch {
		case len(bad) > 0:
			r.Find(ops.StateCritical, lang.M("%s fails", "/health/ready"), lang.M("%s is false", strings.Join(bad,
				", ")))
		case a.code != http.StatusOK:
			r.Find(ops.StateCritical, lang.M("%s fails", "/health/ready"), lang.M("HTTP %d", a.code))
		}
		return r
	}
}

// Ask makes one request and returns the code of its answer, or 0 and why there is
// none.
func Ask(ctx context.Context, address string) (code int, reason lang.Msg) {
	a, err := get(ctx, newClient(), address)
	if err != nil && a.code == 0 {
		return 0, why(err)
	}
	return a.code, lang.Msg{}
}

// maxKeys bounds how many keys of an answer are shown.
const maxKeys = 30

// addChecks makes a field of each key of checks and returns those that are not true.
func addChecks(r *health.Result, checks map[string]any) (bad []string) {
	for i, name := range sorted(checks) {
		value, isBool := checks[name].(bool)
		if !value {
			bad = append(bad, clip(name))
		}
		if i >= maxKeys {
			continue
		}
		f := health.Field{Name: "checks." + clip(name), Value: checks[name], Text: lang.M("yes")}
		switch {
		case !isBool:
			f.State, f.Text = ops.StateCritical, lang.Raw(clip(fmt.Sprint(checks[name])))
		case !value:
			f.State, f.Text = ops.StateCritical, lang.M("no")
		}
		r.Fields = append(r.Fields, f)
	}
	return bad
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Version asks base/health/version, which older builds do not have.
func Version(base string) health.Probe {
	client := newClient()
	address := Join(base, "/health/version")
	return func(ctx context.Context) health.Result {
		a, err := get(ctx, client, address)
		if err == nil && a.code == http.StatusNotFound {
			return health.Result{Detail: lang.M("this build does not report its version"), Raw: a.raw()}
		}
		r, body := judged(a, err, "/health/version")
		if body == nil {
			r.State = ops.StateUnknown
			if r.Down {
				r.Follows = health.KindHTTP
			}
			return r
		}
		addText(&r, body, "name", "version", "description", "environment")
		name, _ := body["name"].(string)
		version, _ := body["version"].(string)
		r.Detail = lang.Raw(strings.TrimSpace(clip(name) + " " + clip(version)))
		if version == "" {
			r.Find(ops.StateUnknown, lang.M("%s reports no version", "/health/version"), lang.Msg{})
		}
		return r
	}
}

// judged turns an answer into the beginning of a result and its JSON object; a
// nil object means that the result is complete.
func judged(a answer, err error, path string) (health.Result, map[string]any) {
	if err != nil {
		return broken(a, path, why(err)), nil
	}
	var body map[string]any
	if json.Unmarshal(a.body, &body) != nil || body == nil {
		r := broken(a, path, lang.M("HTTP %d, and the response is not the expected JSON", a.code))
		r.Down = false
		return r, nil
	}
	r := health.Result{Raw: a.raw()}
	r.Add("http_status", a.code, lang.Raw(a.status))
	return r, body
}

func broken(a answer, path string, reason lang.Msg) health.Result {
	r := health.Broken(lang.M("%s fails", path), reason)
	if a.code != 0 {
		r.Add("http_status", a.code, lang.Raw(a.status))
		r.Raw = a.raw()
	}
	return r
}

func addText(r *health.Result, body map[string]any, names ...string) {
	for _, n := range names {
		if s, ok := body[n].(string); ok {
			r.Add(n, clip(s), lang.Raw(clip(s)))
		}
	}
}

// reasonOf is the short form of an error: the sentence of an ops.Error, the
// plain words of the file system, else the error.
func reasonOf(err error) lang.Msg {
	var known *ops.Error
	switch {
	case errors.As(err, &known):
		return known.What
	case errors.Is(err, fs.ErrNotExist):
		return lang.M("it does not exist")
	case errors.Is(err, fs.ErrPermission):
		return lang.M("permission denied")
	}
	return lang.Raw(clip(err.Error()))
}

// clip bounds a word from outside.
func clip(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return redact.Text(s)
}
