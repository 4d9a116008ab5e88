package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

var message = Message{
	Service: "qianzhang",
	Subject: "[qianzhang] 数据库已恢复",
	Text:    "qianzhang_sales：已恢复\n第二行\n",
}

func secret(t *testing.T, text string, perm os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEachChatGetsItsOwnForm sends to a server that notes what it got and
// answers as the chat does.
func TestEachChatGetsItsOwnForm(t *testing.T) {
	for _, c := range []struct{ kind, want, ok, refused string }{
		{"dingtalk", `{"msgtype":"text","text":{"content":%q}}`, `{"errcode":0,"errmsg":"ok"}`,
			`{"errcode":310000,"errmsg":"sign not match"}`},
		{"wecom", `{"msgtype":"text","text":{"content":%q}}`, `{"errcode":0,"errmsg":"ok"}`,
			`{"errcode":93000,"errmsg":"invalid webhook url"}`},
		{"feishu", `{"msg_type":"text","content":{"text":%q}}`, `{"code":0,"msg":"success"}`,
			`{"code":19021,"msg":"sign match fail"}`},
		{"slack", `{"text":%q}`, `ok`, ``},
		{"webhook", ``, ``, ``},
	} {
		t.Run(c.kind, func(t *testing.T) {
			var got []byte
			answer, status := c.ok, 200
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, _ = io.ReadAll(r.Body)
				w.WriteHeader(status)
				fmt.Fprint(w, answer)
			}))
			defer srv.Close()
			target, err := New(
				config.Notify{Name: "ops", Kind: c.kind, URLFile: secret(t, srv.URL+"/robot?token=s3cr3t\n", 0o600)},
			)
			if err != nil {
				t.Fatal(err)
			}
			if err := target.Send(context.Background(), message); err != nil {
				t.Fatal(err)
			}
			if c.want != "" && !sameJSON(t, got, []byte(fmt.Sprintf(c.want, message.Subject+"\n"+message.Text))) {
				t.Fatalf("sent %s", got)
			}
			if strings.Contains(target.Preview(message), "s3cr3t") ||
				!strings.Contains(target.Preview(message), "已恢复") {
				t.Fatalf("preview %s", target.Preview(message))
			}
			answer = c.refused
			if c.refused == "" {
				status = 500
			}
			if err := target.Send(context.Background(), message); err == nil ||
				strings.Contains(err.Error(), "s3cr3t") {
				t.Fatalf("refused: %v", err)
			}
			srv.Close()
			if err := target.Send(context.Background(), message); err == nil ||
				strings.Contains(err.Error(), "s3cr3t") {
				t.Fatalf("unreachable: %v", err)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// The signatures are those of the examples of both chats' documentation:
// base64(HMAC-SHA256) with the roles of key and text that each has.
func TestSignaturesFollowTheChats(t *testing.T) {
	at := time.Unix(1700000000, 0)
	var query, body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		query, body = r.URL.RawQuery, string(text)
		fmt.Fprint(w, `{"errcode":0,"code":0}`)
	}))
	defer srv.Close()
	for kind, want := range map[string]string{"dingtalk": "timestamp=1700000000000",
		"feishu": `"timestamp":"1700000000"`} {
		target, err := New(config.Notify{Name: "x", Kind: kind, URLFile: secret(t, srv.URL+"/hook\nSECabc", 0o600)})
		if err != nil {
			t.Fatal(err)
		}
		target.now = func() time.Time { return at }
		if err := target.Send(context.Background(), message); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(query+body, want) || !strings.Contains(query+body, "sign") ||
			strings.Contains(query+body, "SECabc") {
			t.Errorf("%s: query %s, body %s", kind, query, body)
		}
	}
}

func TestSecretsThatOthersCanReadAreRefused(t *testing.T) {
	_, err := New(config.Notify{Name: "x", Kind: "slack", URLFile: secret(t, "https://hooks.slack.com/x", 0o644)})
	if ops.CodeOf(err) != ops.Config {
		t.Fatalf("got %v", err)
	}
}

func TestPlainHTTPIsForLoopbackOnly(t *testing.T) {
	if _, err := New(config.Notify{Name: "x", Kind: "slack",
		URLFile: secret(t, "http://example.com/x", 0o600)}); err == nil {
		t.Fatal("a secret would cross the net in the clear")
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	got := cut(strings.Repeat("恢", 1000), maxText)
	if len(got) > maxText || !strings.HasSuffix(got, "恢…") {
		t.Fatalf("%d bytes, ends %q", len(got), got[len(got)-6:])
	}
}

// TestFailuresAreSorted: what a retry mends, and after how long, by the answer.
func TestFailuresAreSorted(t *testing.T) {
	for _, c := range []struct {
		kind   string
		status int
		wait   string // Retry-After
		body   string
		retry  bool
		after  time.Duration
		// content: it is this message that is refused, others may be taken.
		content bool
	}{
		{"webhook", 429, "7", "", true, 7 * time.Second, false},
		{"webhook", 429, "999999999", "", true, time.Hour, false},
		{"webhook", 503, "-1", "", true, 0, false},
		{"webhook", 408, "", "", true, 0, false},
		{"webhook", 400, "", "", false, 0, true},
		{"webhook", 404, "", "", false, 0, false},
		{"slack", 403, "", "invalid_token", false, 0, false},
		{"slack", 200, "", `{"ok":false,"error":"channel_not_found"}`, false, 0, false},
		{"dingtalk", 200, "", `{"errcode":130101,"errmsg":"send too fast"}`, true, 10 * time.Minute, false},
		{"dingtalk", 200, "", `{"errcode":310000,"errmsg":"keywords not in content"}`, false, 0, false},
		{"dingtalk", 200, "", `<html>proxy</html>`, true, 0, false},
		{"wecom", 200, "", `{"errcode":45009,"errmsg":"api freq out of limit"}`, true, time.Minute, false},
		{"wecom", 200, "", `{}`, true, 0, false},
		{"feishu", 200, "", `{"code":11232,"msg":"frequency limited"}`, true, time.Minute, false},
		{"feishu", 200, "", `{"code":19024,"msg":"Key Words Not Found"}`, false, 0, false},
		{"webhook", 413, "", "", false, 0, true},
		{"webhook", 422, "", "", false, 0, true},
		{"webhook", 401, "", "", false, 0, false},
		{"alertmanager", 400, "", "invalid label set", false, 0, true},
		{"alertmanager", 404, "", "", false, 0, false},
		{"dingtalk", 200, "", `{"errcode":460101,"errmsg":"message too long"}`, false, 0, true},
		{"wecom", 200, "", `{"errcode":40058,"errmsg":"content exceed max length"}`, false, 0, true},
		{"wecom", 200, "", `{"errcode":93000,"errmsg":"invalid webhook url"}`, false, 0, false},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", c.wait)
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		target, err := New(config.Notify{Name: "x", Kind: c.kind, URLFile: secret(t, srv.URL, 0o600)})
		if err != nil {
			t.Fatal(err)
		}
		err = target.Send(context.Background(), message)
		if err == nil || Retryable(err) != c.retry || RetryAfter(err) != c.after || ForItsContent(err) != c.content {
			t.Errorf("%s %d %s: %v, retry %t after %v, for its content %t", c.kind, c.status, c.body, err,
				Retryable(err),
				RetryAfter(err), ForItsContent(err))
		}
		srv.Close()
		if err = target.Send(context.Background(), message); !Retryable(err) {
			t.Errorf("%s: a refused connection is final: %v", c.kind, err)
		}
	}
}

// TestNoSecretLeavesItsHost: a redirect is not followed, and what the peer repeats of
// the URL is in no error.
func TestNoSecretLeavesItsHost(t *testing.T) {
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away/pathsecret" {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprintf(w, `{"errcode":300001,"errmsg":"no such robot: %s"}`, r.URL.RequestURI())
	}))
	defer srv.Close()
	for _, path := range []string{"/away/pathsecret", "/robot/pathsecret?access_token=tokensecret"} {
		target, err := New(config.Notify{Name: "x", Kind: "wecom", URLFile: secret(t, srv.URL+path, 0o600)})
		if err != nil {
			t.Fatal(err)
		}
		err = target.Send(context.Background(), message)
		if err == nil || Retryable(err) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, retry %t", path, err, Retryable(err))
		}
	}
	if asked > 0 {
		t.Fatal("the redirect was followed")
	}
}

// TestAHungTargetIsLeft: the caller's time is kept, and a later try may do.
func TestAHungTargetIsLeft(t *testing.T) {
	over := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer srv.Close()
	defer close(over)
	target, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, srv.URL, 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err = target.Send(ctx, message)
	if !Retryable(err) || !strings.Contains(err.Error(), "timed out without a response") {
		t.Fatalf("got %v", err)
	}
}

// TestTheWebhookGetsTheAlertItself checks the contract: the matching line is in it.
func TestTheWebhookGetsTheAlertItself(t *testing.T) {
	var got map[string]any
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		json.NewDecoder(r.Body).Decode(&got)
	}))
	defer srv.Close()
	target, err := New(config.Notify{Name: "x", Kind: "webhook", URLFile: secret(t, srv.URL+"\nbearer1", 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Send(context.Background(), alert()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"service": "qianzhang", "rule": "heap", "severity": "critical", "state": "firing",
		"since": "2026-01-29T12:00:00+08:00", "evidence": alert().Evidence, "next": "opsdeck logs --critical",
		"fingerprint": "f1", "idempotency_key": "f1-3", "subject": alert().Subject, "text": alert().Text,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %s", key, got[key], want)
		}
	}
	if header.Get("Authorization") != "Bearer bearer1" || header.Get("Idempotency-Key") != "f1-3" {
		t.Errorf("headers %v", header)
	}
	if _, there := got["ended"]; there {
		t.Error("a firing alert has an end")
	}
}

// alert is one with what breaks forms: quotes, line breaks, Chinese, a backslash.
func alert() Message {
	return Message{
		Service:        "qianzhang",
		Subject:        "[critical] qianzhang: heap \"out\" of memory",
		Text:           "内存耗尽\n第二行 \\ end",
		Rule:           "heap",
		Severity:       "critical",
		State:          "firing",
		Since:          time.Date(2026, 1, 29, 12, 0, 0, 0, time.FixedZone("", 8*3600)),
		Evidence:       `FATAL ERROR: "Reached heap limit" \ JavaScript heap out of memory ]`,
		Next:           "opsdeck logs --critical",
		Fingerprint:    "f1",
		IdempotencyKey: "f1-3",
		Labels:         map[string]string{"source": "out.log"},
	}
}

func TestALimitIsAMinuteLong(t *testing.T) {
	sent := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent++
		fmt.Fprint(w, `{"errcode":0}`)
	}))
	defer srv.Close()
	target, err := New(config.Notify{Name: "x", Kind: "dingtalk", URLFile: secret(t, srv.URL, 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1700000000, 0)
	target.now = func() time.Time { return now }
	for range 20 {
		if err := target.Send(context.Background(), message); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	err = target.Send(context.Background(), message)
	if sent != 20 || !Retryable(err) || RetryAfter(err) != 40*time.Second {
		t.Fatalf("%d sent, then %v, after %v", sent, err, RetryAfter(err))
	}
	now = now.Add(40 * time.Second)
	if err := target.Send(context.Background(), message); err != nil || sent != 21 {
		t.Fatalf("%d sent, then %v", sent, err)
	}
	now = now.Add(-24 * time.Hour)
	if err := target.Send(context.Background(), message); err != nil {
		t.Fatalf("a clock that was put back stops the messages: %v", err)
	}
}
