package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// inboxes take what is sent, by the name of who gets it.
type inboxes struct {
	mu  sync.Mutex
	got map[string]string
}

func (in *inboxes) put(name, text string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.got[name] += text
}

func (in *inboxes) of(name string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.got[name]
}

// smtp speaks just enough of it to take a mail.
func (in *inboxes) smtp(c net.Conn) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	fmt.Fprint(c, "220 test\r\n")
	for data := false; lines.Scan(); {
		line := lines.Text()
		answer := "250 ok\r\n"
		switch {
		case data && line == ".":
			data = false
		case data:
			in.put("mail", line+"\n")
			continue
		case line == "DATA":
			data, answer = true, "354 go\r\n"
		case line == "QUIT":
			answer = "221 bye\r\n"
		}
		fmt.Fprint(c, answer)
	}
}

// The exact text is shown before anything is sent, goes out when the operator
// says so, and to nobody else; mail and plain webhooks get the whole report too.
func TestTheNotificationIsLookedAtBeforeItIsSent(t *testing.T) {
	in := &inboxes{got: map[string]string{}}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		in.put(strings.Trim(r.URL.Path, "/"), string(text))
		io.WriteString(w, `{"errcode":0,"code":0}`)
	}))
	defer hook.Close()
	mail := testdb.Listen(t, in.smtp)
	s := newSite(t, testdb.MariaDB(t))
	targets := []string{
		fmt.Sprintf(
			"{name: mail, kind: smtp, host: 127.0.0.1, port: %d, from: o@example.com, to: [ops@example.com]}",
			mail.Port,
		),
	}
	kinds := []string{"dingtalk", "wecom", "feishu", "slack", "webhook"}
	for _, kind := range kinds {
		s.write("url-"+kind, hook.URL+"/"+kind+"?access_token=s3cr3t")
		targets = append(
			targets,
			fmt.Sprintf("{name: %s, kind: %s, url_file: %s}", kind, kind, filepath.Join(s.dir, "url-"+kind)),
		)
	}
	s.amend("    logs: []\n", "    logs: []\n    notify: ["+strings.Join(targets, ", ")+"]\n")
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)

	c := s.sit()
	c.sees("Restore")
	c.press("5")
	c.sees("missing now: ar_invoices")
	c.press("B")
	c.sees("Start the restore")
	c.types(s.live)
	c.sees("7 Notify: a question")
	c.sees("[shop] database " + s.live + ": restored")
	ids, err := restorerun.Store{Dir: filepath.Join(s.dir, "state")}.Runs()
	if err != nil || len(ids) != 1 {
		t.Fatalf("%v, %v", ids, err)
	}
	r, err := restorerun.Store{Dir: filepath.Join(s.dir, "state")}.Load(ids[0])
	if err != nil {
		t.Fatal(err)
	}
	exact := r.State.Data.Text
	for _, name := range append(kinds, "mail") {
		if got := in.of(name); got != "" {
			t.Errorf("%s was told before the operator said so: %s", name, got)
		}
	}
	time.Sleep(600 * time.Millisecond) // the dialog ignores keys that came before it was read
	c.press("y")
	c.sees("restored in")
	c.press("v")
	c.sees("## Facts")
	quoted, err := json.Marshal(exact)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		if got := in.of(kind); !strings.Contains(got, string(quoted)) {
			t.Errorf("%s got another text than was shown:\n%s\n%s", kind, got, exact)
		}
	}
	if got := in.of("webhook"); !strings.Contains(got, `"report":{`) || !strings.Contains(got, `"timeline":`) {
		t.Errorf("the plain webhook got no report:\n%s", got)
	}
	got := in.of("mail")
	for _, want := range []string{"To: <ops@example.com>", "[shop] database " + s.live + ": restored",
		`filename="report.md"`, `filename="report.json"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the mail lacks %q:\n%s", want, got)
		}
	}
}
