package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	logstore "opsdeck/ops/logs/store"
)

// victoriaRecorded are records as VictoriaLogs 1.52 returns them.
const victoriaRecorded = `{"_msg":"2026-01-29 12:00:00 ERROR disk full took=800ms","_stream":"{app=\"web\",host=\"a\"}","_stream_id":"000000000000000023804f5843a39aeb4034a46fdb1e0cd3","_time":"2026-01-29T12:00:00.525945856Z","app":"web","host":"a"}
{"_msg":"    at foo (bar.js:1:2)","_stream":"{app=\"web\",host=\"a\"}","_stream_id":"000000000000000023804f5843a39aeb4034a46fdb1e0cd3","_time":"2026-01-29T12:00:00.525945857Z","app":"web","host":"a"}
{"_msg":"库存 \u001b[31mred\u001b[0m","_stream":"{app=\"web\"}","_stream_id":"01","_time":"2026-01-29T12:00:01Z","app":"web","level":"warn","orderId":"456"}

{"_msg":"plain","_stream":"{}","_stream_id":"02","_time":"2026-01-29T12:00:02.5Z"}
`

// answering serves one response to every request and records the requests.
func answering(t *testing.T, status int, answers map[string]string) (base string, asked func() string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		mu.Lock()
		all = append(all, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+body.String())
		mu.Unlock()
		w.WriteHeader(status)
		for path, answer := range answers {
			if strings.HasPrefix(r.URL.Path, path) {
				fmt.Fprint(w, answer)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, "\n")
	}
}

func TestRecordsOfVictoriaLogsBecomeLines(t *testing.T) {
	base, asked := answering(t, http.StatusOK, map[string]string{"/select/logsql/query": victoriaRecorded})
	got := foundIn(t, "victorialogs:"+base+"?query=app:web", "since:2026-01-29 until:2026-01-30")
	want := []string{
		"ERROR 2026-01-29 12:00:00 ERROR disk full took=800ms\n    at foo (bar.js:1:2)",
		`WARN {"_msg":"库存 \u001b[31mred\u001b[0m","_time":"2026-01-29T12:00:01Z","app":"web","level":"warn","orderId":"456"}`,
		"UNKNOWN 2026-01-29T12:00:02.500Z plain",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for _, part := range []string{
		"_time%3A%5B2026-01-29T00%3A00%3A00Z", "+app%3Aweb+%7C+sort+by+%28_time%29+limit+5000",
	} {
		if !strings.Contains(asked(), part) {
			t.Errorf("%s was not asked, but %s", part, asked())
		}
	}
	for name, want := range map[string]string{
		"victorialogs:nowhere":                    "is not victorialogs:http://HOST",
		"victorialogs:http://me:secret@h?query=*": "http://***@h",
		"elastic:http://h:9200":                   "is not elastic:http://HOST:9200/INDEX",
	} {
		_, err := newServer(name, Filter{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAServerThatIsBusyCanBeAskedAgain: the exit code of a command is 75 then, not 1.
func TestAServerThatIsBusyCanBeAskedAgain(t *testing.T) {
	for status, want := range map[int]ops.Code{429: ops.Busy, 503: ops.Busy, 400: ops.Failed, 403: ops.Failed} {
		base, _ := answering(t, status, map[string]string{"/": "es_rejected_execution_exception"})
		l, err := newServer("elastic:"+base+"/logs", Filter{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Open(t.Context())
		var told *ops.Error
		if !errors.As(err, &told) || told.Code != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestAServersErrorIsTold(t *testing.T) {
	base, _ := answering(t, http.StatusBadRequest, map[string]string{"/": "cannot parse the query"})
	for _, name := range []string{"victorialogs:" + base, "elastic:" + base + "/logs", "loki:" + base} {
		l, err := newServer(name, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "400") ||
			!strings.Contains(err.Error(), "cannot parse the query") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServersPasswordComesFromAFileOfOnesOwn(t *testing.T) {
	base, asked := answering(t, http.StatusOK, nil)
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("# of the reader\nAuthorization: Bearer s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	foundIn(t, "victorialogs:"+base+"?headers="+file, "")
	if !strings.Contains(asked(), "Bearer s3cret") {
		t.Errorf("the header was not sent: %s", asked())
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newServer("loki:"+base+"?headers="+file, Filter{}); err == nil ||
		!strings.Contains(err.Error(), "other users can read it") {
		t.Errorf("a file that others read: %v", err)
	}
	if err := os.WriteFile(file, []byte("no header\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chmod(file, 0o600)
	if _, err := newServer("loki:"+base+"?headers="+file, Filter{}); err == nil ||
		!strings.Contains(err.Error(), "line 1") {
		t.Errorf("a file without a header: %v", err)
	}
}

// TestAMomentWithMoreLinesThanAPageIsTold: what a server does not return is never omitted
// silently.
func TestAMomentWithMoreLinesThanAPageIsTold(t *testing.T) {
	row := `{"_msg":"INFO %d","_stream":"{}","_stream_id":"02","_time":"2026-01-29T12:00:02Z"}` + "\n"
	var page strings.Builder
	for i := range victoriaLimit {
		fmt.Fprintf(&page, row, i)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if strings.HasPrefix(r.Form.Get("query"), "_time:[2026-01-29T12:00:02Z,") {
			fmt.Fprint(w, page.String())
		}
	}))
	defer s.Close()
	since := time.Date(2026, 1, 29, 12, 0, 2, 0, time.UTC)
	l, err := newServer("victorialogs:"+s.URL, Filter{Since: since, Until: since.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "more than 5000 lines with the time 2026-01-29T12:00:02Z") {
		t.Errorf("got %v", err)
	}
	if text == nil || text.Size() == 0 {
		t.Error("what was given is not there")
	}
}

// TestAServerThatIsAnotherIsNotQuoted: the page of a web server is no reason, and the address
// is what to look at.
func TestAServerThatIsAnotherIsNotQuoted(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprint(w, "<!DOCTYPE HTML>\n<html><body>Unsupported method</body></html>\n")
	}))
	open := func() (e *ops.Error) {
		l, err := newServer("victorialogs:"+s.URL, Filter{Until: time.Unix(2000, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(t.Context()); !errors.As(err, &e) || e.Hint.String() != "see whether it runs there: curl -i "+s.URL {
			t.Fatalf("%v", err)
		}
		return e
	}
	if e := open(); e.Err != nil || !strings.HasSuffix(e.What.String(), "says 501 Not Implemented") {
		t.Errorf("%v", e)
	}
	s.Close()
	if e := open(); !strings.Contains(e.What.String(), "does not respond") {
		t.Errorf("%v", e)
	}
}

// realVictoria starts the server that OPSDECK_VICTORIALOGS names: go install
// github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@v1.52.2.
func realVictoria(t *testing.T) string {
	t.Helper()
	program := serverProgram(t, "OPSDECK_VICTORIALOGS")
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-storageDataPath="+t.TempDir(), fmt.Sprintf("-httpListenAddr=127.0.0.1:%d", port),
		"-retentionPeriod=100y")
	return startLogServer(t, cmd, port, "/health")
}

// insert sends entries to VictoriaLogs; those with an order are structured.
func insert(t *testing.T, base string, entries []entry) {
	t.Helper()
	var body bytes.Buffer
	for _, e := range entries {
		row := map[string]string{"_time": fmt.Sprint(e.ns), "_msg": e.line, "app": "x", "pod": e.stream}
		if e.key != "" {
			row["orderId"], row["level"] = e.key, "warn"
		}
		b, _ := json.Marshal(row)
		body.Write(append(b, '\n'))
	}
	resp, err := http.Post(base+"/insert/jsonline?_stream_fields=app,pod", "application/stream+json", &body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("insert: %s", resp.Status)
	}
}

// TestARealVictoriaLogs: range, pushed-down words, older lines for the tab's query, and
// the live tail, with a real server.
func TestARealVictoriaLogs(t *testing.T) {
	base := realVictoria(t)
	f := &fakeLoki{} // only to make the lines
	begin := time.Now().Add(-20 * time.Hour).Truncate(time.Second)
	want := stacks(f, begin, 1500)
	n := len(f.all)
	for i := range 30 {
		at := begin.Add(-time.Duration(i+1) * time.Minute)
		f.all = append(f.all, entry{at.UnixNano(), `say "hi" \ 库存`, "0", fmt.Sprint(90000 + i)})
	}
	f.all = append(f.all, f.all[n], f.all[n]) // identical: stored three times
	insert(t, base, f.all)
	name := "victorialogs:" + base + `?query={app="x"}`
	until(t, "all lines are searchable", func() bool { return len(foundIn(t, name, "level:error '[Pay]")) == 4500 })
	heads := 0
	for _, event := range want {
		if head, _, _ := strings.Cut(event, "\n"); strings.Contains(head, "needle") {
			heads++
		}
	}
	for words, want := range map[string]int{
		"'needle level:error": heads, "ndle level:error": heads, "'90007": 1, "orderId=90007": 1, "'库存": 32,
		"level:warn": 32, "'90000": 3, "'say\\ \"hi": 0, "'orderId": 32, "'nothing": 0,
	} {
		if got := foundIn(t, name, words); words == "'needle level:error" || words == "ndle level:error" {
			whole := 0
			for _, raw := range got {
				head, rest, _ := strings.Cut(raw, "\n")
				if strings.Contains(head, "needle") && strings.Count(rest, "\n") == 2 {
					whole++
				}
			}
			if whole != want {
				t.Errorf("%s: %d whole events, want %d", words, whole, want)
			}
		} else if len(got) != want {
			t.Errorf("%s: %d events, want %d", words, len(got), want)
		}
	}
	store := fedByName(t, name, 1)
	until(t, "the first page", func() bool { return store.Stats().Lines >= victoriaLimit })
	store.SetQuery(parsed("'90007"), true)
	until(t, "an older line", func() bool { return store.Stats().Hits == 1 })
	store.SetQuery(parsed("afterwards"), true)
	for i := range 50 {
		insert(t, base, []entry{{time.Now().UnixNano(), fmt.Sprintf("INFO afterwards %d", i), "0", ""}})
	}
	until(t, "what comes", func() bool { return store.Stats().Hits >= 50 })
	rest(store)
	for i, r := range store.Window(logstore.Place{}, 100, 0).Rows {
		if want := fmt.Sprintf("afterwards %d", i); r.Event.Message != want {
			t.Fatalf("row %d is %q", i, r.Event.Message)
		}
	}
	if st := store.Stats(); st.Hits != 50 {
		t.Errorf("%d lines came, want 50", st.Hits)
	}
}
