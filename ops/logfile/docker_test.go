package logfile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	logstore "opsdeck/ops/logs/store"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// wrapped16k writes a line as Docker does, in parts of 16 kB.
func wrapped16k(line, stream string) string {
	var b strings.Builder
	for text := line + "\n"; text != ""; {
		n := min(len(text), 16<<10)
		log, _ := json.Marshal(text[:n])
		fmt.Fprintf(&b, `{"log":%s,"stream":"%s","time":"2026-01-29T12:00:00Z"}`+"\n", log, stream)
		text = text[n:]
	}
	return b.String()
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// fed is a store that is fed from files.
func fed(t *testing.T, paths ...string) *logstore.Store {
	t.Helper()
	store := logstore.NewStore(time.UTC, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Feed(ctx, store, Group(paths), func(name string, err error) { t.Errorf("%s: %v", name, err) })
	}()
	t.Cleanup(func() { cancel(); <-done; store.Close() })
	return store
}

func rawsOf(store *logstore.Store) (raws []string) {
	for _, r := range store.Window(logstore.Place{}, 1000, 0).Rows {
		raws = append(raws, r.Event.Raw)
	}
	return raws
}

func TestALineThatDockerSplitIsOneLine(t *testing.T) {
	long := `{"timestamp":"2026-01-29T12:00:00.000Z","level":"ERROR","context":"OrderService","message":"big","metadata":{"userId":123,"rows":"客户` +
		strings.Repeat(
			"rows ",
			20_000,
		) + `","last":"zebra"}}`
	text := wrapped16k(
		"2026-01-29T11:59:59Z INFO before",
		"stdout",
	) + wrapped16k(
		long,
		"stdout",
	) + wrapped16k(
		"\x1b[31m2026-01-29T12:00:01Z WARN <after>",
		"stderr",
	)
	path := write(t, "abc-json.log", []byte(text))
	for words, want := range map[string]string{
		"level:error":            long,
		"field.last=zebra":       long,
		"'userId 'zebra":         long,
		"context:OrderService":   long,
		"field.stream=stderr":    "\x1b[31m2026-01-29T12:00:01Z WARN <after>",
		"'<after>":               "\x1b[31m2026-01-29T12:00:01Z WARN <after>",
		"^2026-01-29T12 after>$": "\x1b[31m2026-01-29T12:00:01Z WARN <after>",
	} {
		raws, warned := find(t, words, path)
		if len(raws) != 1 || raws[0] != want || len(warned) != 0 {
			t.Errorf("%s: %d hits, %v", words, len(raws), warned)
		}
	}
}

func TestAContainersLogIsFollowedAsWhatItWrote(t *testing.T) {
	path := write(t, "abc-json.log", nil)
	store := fed(t, path)
	long := "2026-01-29T12:00:00Z ERROR " + strings.Repeat("x", 50_000) + " end"
	text := wrapped16k(
		"2026-01-29T11:59:59Z INFO one",
		"stdout",
	) + wrapped16k(
		long,
		"stdout",
	) + wrapped16k(
		"    at f (/app/a.ts:1:2)",
		"stdout",
	)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for len(text) > 0 { // split anywhere
		n := min(len(text), 7001)
		file.WriteString(text[:n])
		text = text[n:]
		time.Sleep(time.Millisecond)
	}
	until(t, "three lines", func() bool { return store.Stats().Lines == 3 })
	rest(store)
	raws := rawsOf(store)
	if len(raws) != 2 || raws[1] != long {
		t.Fatalf("%d events", len(raws))
	}
	// Rotated by Docker: renamed, and a new file created.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	file.WriteString(wrapped16k("2026-01-29T12:00:02Z INFO late", "stdout"))
	if err := os.WriteFile(path, []byte(wrapped16k("2026-01-29T12:00:03Z INFO new", "stdout")), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "late and new", func() bool { return store.Stats().Lines == 5 })
	rest(store)
	if raws := rawsOf(store); len(raws) != 4 || !strings.HasSuffix(raws[2], "late") ||
		!strings.HasSuffix(raws[3], "new") {
		t.Errorf("%d events: %.300q", len(raws), raws)
	}
}

func TestALongContainersLogIsShownFromItsEnd(t *testing.T) {
	var text strings.Builder
	n := 0
	for ; text.Len() < 5*dockerTail; n++ {
		line := fmt.Sprintf("2026-01-29T12:00:00Z INFO line %d", n)
		if n%50 == 0 {
			line += strings.Repeat(" long", 8000)
		}
		text.WriteString(wrapped16k(line, []string{"stdout", "stderr"}[n%2]))
	}
	path := write(t, "abc-json.log", []byte(text.String()))
	store := fed(t, path)
	until(t, "all lines", func() bool { return store.Stats().Lines == int64(n) })
	rest(store)
	raws := []string{}
	for at := (logstore.Place{Top: true}); ; {
		w := store.Window(at, 0, 1000)
		for _, r := range w.Rows {
			raws = append(raws, r.Event.Raw)
			at = logstore.Place{Row: r.ID, Skip: 1}
		}
		if len(w.Rows) < 1000 {
			break
		}
	}
	for i, raw := range raws {
		if !strings.HasPrefix(raw, fmt.Sprintf("2026-01-29T12:00:00Z INFO line %d", i)) {
			t.Fatalf("line %d is %.80q", i, raw)
		}
	}
	if len(raws) != n {
		t.Errorf("%d lines, want %d", len(raws), n)
	}
}

// TestPiecesOfAContainersLogHoldEveryLineOnce: for every split position.
func TestPiecesOfAContainersLogHoldEveryLineOnce(t *testing.T) {
	var text strings.Builder
	for i := range 40 {
		text.WriteString(wrapped16k(fmt.Sprintf("line %d%s", i, strings.Repeat(" x", i*i*20)), "stdout"))
	}
	path := write(t, "abc-json.log", []byte(text.String()))
	whole, _ := find(t, "", path)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size := int64(text.Len())
	for cut := int64(1); cut < size; cut += size/97 + 1 {
		var got []string
		live := &liveText{f: file}
		for _, p := range []*dockerPart{{"a", live, 0, cut, size}, {"b", live, cut, size, size}} {
			s := index.Scan{Query: parsed(""), Zone: time.UTC}
			parser := line.NewParser(time.UTC, time.Now())
			if err := s.Each(t.Context(), []logs.Source{{Name: "x", Parts: []logs.Part{p}}}, func(h *index.Hit) error {
				e, err := s.Event(parser, h)
				got = append(got, e.Raw)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(got, "\n") != strings.Join(whole, "\n") {
			t.Fatalf("cut at %d: %d lines, want %d", cut, len(got), len(whole))
		}
	}
}

// TestARealContainersLog reads what a real Docker engine writes for a real container, with
// lines shorter and longer than Docker's limit, on both streams, with labels.
func TestARealContainersLog(t *testing.T) {
	engine := testdb.Docker(t)
	t.Setenv("DOCKER_HOST", engine.Host)
	script := `echo "2026-01-29T12:00:00Z INFO started <here> \"quoted\" 客户"
head -c 100000 /dev/zero | tr '\0' x; echo " end"
printf '\033[31m2026-01-29T12:00:01Z ERROR red\033[39m\n' >&2
echo "    at f (/app/a.ts:1:2)" >&2
head -c 16384 /dev/zero | tr '\0' y; echo
printf 'no break'`
	name := filepath.Base(engine.Dir)
	engine.Run(
		t,
		"docker",
		"run",
		"--name",
		name,
		"--network",
		"none",
		"--log-driver",
		"json-file",
		"--log-opt",
		"tag=t-{{.Name}}",
		testdb.BusyboxImage,
		"sh",
		"-c",
		script,
	)
	got := map[string]bool{}
	for _, raw := range foundIn(t, "docker:"+name, "") {
		for line := range strings.Lines(raw) {
			got[strings.TrimSuffix(line, "\n")] = true
		}
	}
	for _, want := range []string{`INFO 2026-01-29T12:00:00Z INFO started <here> "quoted" 客户`, "ERROR \x1b[31m2026-01-29T12:00:01Z ERROR red\x1b[39m",
		"    at f (/app/a.ts:1:2)", strings.Repeat("x", 100_000) + " end", strings.Repeat("y", 16_384), "no break"} {
		found := got[want]
		for line := range got {
			found = found || strings.HasSuffix(line, want)
		}
		if !found {
			t.Errorf("%.60q is not there", want)
		}
	}
	if n := len(foundIn(t, "docker:"+name, "field.stream=stderr 'red")); n != 1 {
		t.Errorf("%d lines of stderr", n)
	}
}

// TestWhatIsNotInUTF8IsFollowedToo: with appends, and truncated after a copy.
func TestWhatIsNotInUTF8IsFollowedToo(t *testing.T) {
	for name, code := range map[string]encoding.Encoding{"GBK": simplifiedchinese.GB18030,
		"UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		"UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)} {
		line := func(i int) string {
			return fmt.Sprintf("2026-01-29T12:00:0%dZ WARN 客户 %d 信用额度不足，订单已转人工审核", i, i)
		}
		coded := func(text string) []byte {
			b, err := code.NewEncoder().Bytes([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		first := line(0) + "\n" + line(1) + "\n"
		if name != "GBK" {
			first = "\ufeff" + first
		}
		path := write(t, "a.log", coded(first))
		store := fed(t, path)
		until(t, name+": two lines", func() bool { return store.Stats().Lines == 2 })
		add := func(text string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			f.Write(coded(text))
		}
		add(line(2) + "\n")
		until(t, name+": three lines", func() bool { return store.Stats().Lines == 3 })
		add(line(3)[:20])
		until(t, name+": half a line", func() bool { return store.Stats().Lines == 4 })
		add(line(3)[20:] + "\n")
		until(
			t,
			name+": the rest of it",
			func() bool { rest(store); raws := rawsOf(store); return len(raws) == 4 && raws[3] == line(3) },
		)
		for i, raw := range rawsOf(store) {
			if raw != line(i) {
				t.Errorf("%s: line %d is %q", name, i, raw)
			}
		}
	}
}
