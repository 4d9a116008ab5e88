package logview

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheLogsTabRemembersBySetOfLogs keeps a session for each set of logs of a service.
func TestTheLogsTabRemembersBySetOfLogs(t *testing.T) {
	now := time.Date(2026, 1, 29, 14, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	one := NewMemory(dir, "shop", []string{"/l/a*.log"}, clock)
	two := NewMemory(dir, "shop", []string{"/l/b*.log"}, clock)
	left := Session{
		Filters: []Filter{{Query: "level:error", Does: FilterIn, On: true}},
		Place:   &Bookmark{At: now.Add(-time.Hour), Sum: "x"},
	}
	if err := one.saveSession(left); err != nil {
		t.Fatal(err)
	}
	if got := one.readSession(); len(got.Filters) != 1 || got.Filters[0] != left.Filters[0] || got.Place == nil {
		t.Errorf("it comes back as %+v", got)
	}
	if got := two.readSession(); len(got.Filters) != 0 || got.Place != nil {
		t.Errorf("the other set of logs has %+v", got)
	}
	now = now.Add(placeHolds + time.Minute)
	if got := one.readSession(); len(got.Filters) != 1 || got.Place != nil {
		t.Errorf("a day later: %+v", got)
	}
}

// TestWhatTheLogsTabCannotReadIsSetAside never writes over a damaged file or one of a newer
// opsdeck, and says so.
func TestWhatTheLogsTabCannotReadIsSetAside(t *testing.T) {
	for text, says := range map[string]string{
		"{\"history\": [\"x":            "is damaged",
		`{"format": 99, "history": []}`: "was written by a newer opsdeck",
		"":                              "is damaged",
	} {
		dir := t.TempDir()
		m := NewMemory(dir, "shop", nil, func() time.Time { return time.Unix(1e9, 0) })
		for _, path := range []string{m.path, m.session} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r := m.read(); len(r.History) != 0 || !strings.Contains(m.aside.String(), says) {
			t.Errorf("%q: %+v, said %q", text, r, m.aside.String())
		}
		m.readSession()
		if err := m.saveHistory([]string{"new"}); err != nil {
			t.Fatal(err)
		}
		aside, _ := filepath.Glob(filepath.Join(dir, "*.aside-*"))
		if len(aside) != 2 {
			t.Fatalf("set aside: %q", aside)
		}
		for _, path := range aside {
			if b, err := os.ReadFile(path); err != nil || string(b) != text {
				t.Errorf("%s holds %q, %v", path, b, err)
			}
		}
		if got := m.read().History; len(got) != 1 {
			t.Errorf("history is %q", got)
		}
	}
}
