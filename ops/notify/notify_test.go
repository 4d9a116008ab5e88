package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
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
		{"dingtalk", `{"msgtype":"text","text":{"content":%q}}`, `{"errcode":0,"errmsg":"ok"}`, `{"errcode":310000,"errmsg":"sign not match"}`},
		{"wecom", `{"msgtype":"text","text":{"content":%q}}`, `{"errcode":0,"errmsg":"ok"}`, `{"errcode":93000,"errmsg":"invalid webhook url"}`},
		{"feishu", `{"msg_type":"text","content":{"text":%q}}`, `{"code":0,"msg":"success"}`, `{"code":19021,"msg":"sign match fail"}`},
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
	for kind, want := range map[string]string{"dingtalk": "timestamp=1700000000000", "feishu": `"timestamp":"1700000000"`} {
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
	if _, err := New(config.Notify{Name: "x", Kind: "slack", URLFile: secret(t, "http://example.com/x", 0o600)}); err == nil {
		t.Fatal("a secret would cross the net in the clear")
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	got := cut(strings.Repeat("恢", 1000), maxText)
	if len(got) > maxText || !strings.HasSuffix(got, "恢…") {
		t.Fatalf("%d bytes, ends %q", len(got), got[len(got)-6:])
	}
}

// TestMailIsSent speaks with a server that knows just enough SMTP.
func TestMailIsSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go smtp(l, got)
	target, err := New(
		config.Notify{
			Name: "mail",
			Kind: "smtp",
			Host: "127.0.0.1",
			Port: l.Addr().(*net.TCPAddr).Port,
			From: "opsdeck@example.com",
			To:   []string{"ops@example.com"},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Send(context.Background(), message); err != nil {
		t.Fatal(err)
	}
	text := <-got
	for _, want := range []string{"RCPT TO:<ops@example.com>", "=?UTF-8?", "From: <opsdeck@example.com>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, text)
		}
	}
}

func smtp(l net.Listener, got chan string) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	var all strings.Builder
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 test\r\n")
	for data := false; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		all.WriteString(line)
		switch word := strings.ToUpper(strings.TrimSpace(line)); {
		case data && word == ".":
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case data:
		case strings.HasPrefix(word, "DATA"):
			data = true
			fmt.Fprint(c, "354 go\r\n")
		case strings.HasPrefix(word, "QUIT"):
			fmt.Fprint(c, "221 bye\r\n")
			got <- all.String()
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}
