package oplog

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func testLog(t *testing.T) *Log {
	return &Log{Dir: t.TempDir(), Getenv: func(k string) string {
		return map[string]string{"SUDO_USER": "li", "SSH_CONNECTION": "10.0.0.9 5 10.0.0.1 22"}[k]
	}}
}

func record(t *testing.T, l *Log, action string) {
	t.Helper()
	if err := l.Record(Entry{Action: action, Object: "x", Result: Done,
		Detail: map[string]string{"dsn": "mysql://a:geheim@h/"}}); err != nil {
		t.Fatal(err)
	}
}

func TestRecordNamesThePersonAndHidesSecrets(t *testing.T) {
	l := testLog(t)
	record(t, l, "backup.create")
	got, problems, err := l.Read()
	if err != nil || len(problems) != 0 || len(got) != 1 {
		t.Fatalf("%v %v %v", got, problems, err)
	}
	e := got[0]
	if e.Sudo != "li" || e.SSH == "" || e.User == "" || e.PID == 0 || strings.Contains(e.Detail["dsn"], "geheim") {
		t.Fatalf("got %+v", e)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	l := testLog(t)
	for _, a := range []string{"a", "b", "c"} {
		record(t, l, a)
	}
	text, _ := os.ReadFile(l.Path())
	lastStart := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	for i := range lastStart {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		os.WriteFile(l.Path(), bad, 0o600)
		if _, problems, err := l.Read(); len(problems) == 0 && err == nil {
			t.Fatalf("byte %d (%q) changed unseen", i, text[i])
		}
	}
}

func TestRemovedAndInsertedLinesAreFound(t *testing.T) {
	l := testLog(t)
	for _, a := range []string{"a", "b", "c"} {
		record(t, l, a)
	}
	text, _ := os.ReadFile(l.Path())
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, bad := range map[string][][]byte{"removed": {lines[0], lines[2]},
		"doubled": {lines[0], lines[1], lines[1], lines[2]}, "first gone": lines[1:]} {
		os.WriteFile(l.Path(), bytes.Join(bad, nil), 0o600)
		if _, problems, _ := l.Read(); len(problems) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestTornLineDoesNotStopTheRecord(t *testing.T) {
	l := testLog(t)
	record(t, l, "a")
	f, _ := os.OpenFile(l.Path(), os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString(`{"time":"20`)
	f.Close()
	record(t, l, "b")
	record(t, l, "c")
	got, problems, err := l.Read()
	if err != nil || len(got) != 3 || len(problems) != 1 || problems[0] != (Problem{2, "torn"}) {
		t.Fatalf("%v %v %v", got, problems, err)
	}
}

func TestManyWritersKeepOneChain(t *testing.T) {
	l := testLog(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := l.Record(Entry{Action: "x", Result: Done}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, problems, err := l.Read()
	if err != nil || len(got) != 40 || len(problems) != 0 {
		t.Fatalf("%d entries, %v, %v", len(got), problems, err)
	}
}

// TestALineThatIsBeingWrittenIsNotTorn: whoever reads meanwhile waits for its end.
func TestALineThatIsBeingWrittenIsNotTorn(t *testing.T) {
	l := testLog(t)
	record(t, l, "a")
	whole, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(l.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	half := int64(len(whole) / 2)
	if err := f.Truncate(half); err != nil { // as much as is written
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() {
		f.WriteAt(whole[half:], half)
		f.Close()
	})
	if got, problems, err := l.Read(); err != nil || len(got) != 1 || len(problems) != 0 {
		t.Fatalf("%v %v %v", got, problems, err)
	}
}
