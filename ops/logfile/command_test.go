package logfile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
)

func TestJournalEntriesBecomeLines(t *testing.T) {
	for entry, want := range map[string]string{
		`{"MESSAGE":"hello","__REALTIME_TIMESTAMP":"1769688000000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"node"}`:                    "2026-01-29T12:00:00.000Z ERROR [node] hello\n",
		`{"MESSAGE":[104,105,255],"__REALTIME_TIMESTAMP":"1769688000000000"}`:                                                        "2026-01-29T12:00:00.000Z INFO [] hi\xff\n",
		`{"MESSAGE":"[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] one","__REALTIME_TIMESTAMP":"1769688000000000","PRIORITY":"6"}`: "[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] one\n",
		`{"MESSAGE":null}`: "1970-01-01T00:00:00.000Z INFO [] \n",
		`broken`:           "",
	} {
		if got := new(journalLines).next([]byte(entry)); got != want {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
}

// journalRecorded is the output of journalctl 252 -o json for a unit, reduced to the
// relevant keys and one other.
const journalRecorded = `{"__REALTIME_TIMESTAMP":"1769688000000000","_SYSTEMD_UNIT":"qianzhang.service","MESSAGE":"[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] started","SYSLOG_IDENTIFIER":"node","PRIORITY":"6"}
{"MESSAGE":"客户 9 信用额度不足","__REALTIME_TIMESTAMP":"1769688002000000","SYSLOG_IDENTIFIER":"node","PRIORITY":"4"}
{"_SYSTEMD_UNIT":"qianzhang.service","MESSAGE":[98,121,116,101,115,32,255,27,91,51,49,109,114,101,100],"__REALTIME_TIMESTAMP":"1769688003000000","SYSLOG_IDENTIFIER":"node","PRIORITY":"6"}
{"PRIORITY":"3","MESSAGE":"Error: two lines\n    at x (/app/a.ts:1:2)","__REALTIME_TIMESTAMP":"1769688004000000","SYSLOG_IDENTIFIER":"node"}
`

// command puts a program with the given script on the PATH.
func command(t *testing.T, name, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// foundIn searches one source and returns the hits' text.
func foundIn(t *testing.T, name, words string) (raws []string) {
	t.Helper()
	q := parsed(words)
	sources, err := Config{Filter: Push(q)}.Resolve(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	s := index.Scan{Query: q, Zone: time.UTC, Warn: func(part string, err error) { t.Errorf("%s: %v", part, err) }}
	p := line.NewParser(time.UTC, time.Now())
	if err := s.Each(t.Context(), sources, func(h *index.Hit) error {
		e, err := s.Event(p, h)
		raws = append(raws, e.Level.String()+" "+e.Raw)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return raws
}

func TestAJournaldUnitIsReadWhole(t *testing.T) {
	dir := command(t, "journalctl", `echo "$@" >>"$(dirname "$0")/asked"; cat "$(dirname "$0")/out"`)
	os.WriteFile(filepath.Join(dir, "out"), []byte(journalRecorded), 0o644)
	got := strings.Join(foundIn(t, "journald:qianzhang.service", "level:info+ since:2026-01-01"), "\n")
	want := "INFO [Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] started\nWARN 2026-01-29T12:00:02.000Z WARN " +
		"[node] 客户 9 信用额度不足\n" +
		"INFO 2026-01-29T12:00:03.000Z INFO [node] bytes \xff\x1b[31mred\nERROR 2026-01-29T12:00:04.000Z ERROR " +
		"[node] Error: two lines\n    at x (/app/a.ts:1:2)"
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	asked, _ := os.ReadFile(filepath.Join(dir, "asked"))
	if !strings.HasPrefix(string(asked), "-o json --all --no-pager -u qianzhang.service --since @") {
		t.Errorf("asked %q", asked)
	}
}

func TestJournaldIsFollowedAndItsEndIsTold(t *testing.T) {
	dir := command(
		t,
		"journalctl",
		`cat "$(dirname "$0")/out"; sleep 0.1; tail -n 1 "$(dirname "$0")/out"; echo "no such unit" >&2; exit 1`,
	)
	os.WriteFile(filepath.Join(dir, "out"), []byte(journalRecorded), 0o644)
	store := store.NewStore(time.UTC, time.Now)
	defer store.Close()
	sources, err := Config{}.Resolve(t.Context(), []string{"journald:x"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	Feed(ctx, store, sources, store.Fail)
	rest(store)
	if st := store.Stats(); st.Rows != 5 || len(st.Errors) != 1 ||
		!strings.Contains(st.Errors[0].Error(), "no such unit") {
		t.Errorf("%d rows, %v", st.Rows, st.Errors)
	}
}

// TestWhyDockerTellsNoLogIsInItsOwnWords: a stopped daemon is not a driver without files.
func TestWhyDockerTellsNoLogIsInItsOwnWords(t *testing.T) {
	command(t, "docker", `echo "Cannot connect to the Docker daemon at x." >&2; echo more >&2; exit 1`)
	_, err := Config{}.Resolve(t.Context(), []string{"docker:shop"})
	if err == nil || !strings.HasSuffix(err.Error(), "Cannot connect to the Docker daemon at x.") {
		t.Errorf("%v", err)
	}
}

func TestADockerContainersJSONFileIsReadWithItsRotatedOnes(t *testing.T) {
	logDir := t.TempDir()
	path := filepath.Join(logDir, "abc-json.log")
	command(t, "docker", `[ "$5" = qianzhang-backend ] && echo "`+path+`"`)
	line := func(at, text string) string {
		return `{"log":"` + text + `\n","stream":"stdout","time":"` + at + `"}` + "\n"
	}
	os.WriteFile(
		path+".1",
		[]byte(line("2026-01-29T11:00:00.000000001Z", "[Nest] 1  - 01/29/2026, 11:00:00 AM     LOG [A] old one")),
		0o644,
	)
	os.WriteFile(
		path,
		[]byte(
			line(
				"2026-01-29T12:00:00Z",
				`\u001b[31m[Nest] 1  - \u001b[39m01/29/2026, 12:00:00 PM \u001b[31m  ERROR\u001b[39m \u001b[33m[B] \u001b[39m\u001b[31mfailed\u001b[39m`,
			)+
				line(
					"2026-01-29T12:00:00.1Z",
					"    at x (/app/a.ts:1:2)",
				)+line(
				"2026-01-29T12:00:01Z",
				"[Nest] 1  - 01/29/2026, 12:00:01 PM     LOG [B] next",
			),
		),
		0o644,
	)
	got := foundIn(t, "docker:qianzhang-backend", "level:error")
	if len(got) != 1 || strings.Count(got[0], "\n") != 1 || !strings.Contains(got[0], "at x") {
		t.Errorf("errors: %q", got)
	}
	if got := foundIn(t, "docker:qianzhang-backend", ""); len(got) != 3 || !strings.Contains(got[0], "old one") {
		t.Errorf("all: %q", got)
	}
	if _, err := (Config{}).Resolve(t.Context(), []string{"docker:none"}); err == nil {
		t.Error("a container that is not there is taken")
	}
}

func TestDockersTimeHoldsWhereLinesSayNone(t *testing.T) {
	path := write(
		t,
		"abc-json.log",
		[]byte(`{"log":"listening on 3000\n","stream":"stdout","time":"2026-01-29T12:00:00.5Z"}
{"log":"bye\n","stream":"stderr","time":"2026-01-29T13:00:00Z"}
`),
	)
	for words, want := range map[string]int{"": 2, "since:2026-01-29T12:30:00Z": 1, "until:2026-01-29T12:30:00Z 'listening": 1, "field.stream=stderr": 1} {
		if raws, _ := find(t, words, path); len(raws) != want {
			t.Errorf("%q: %q, want %d", words, raws, want)
		}
	}
}
