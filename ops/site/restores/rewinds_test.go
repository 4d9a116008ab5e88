package restores

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheNewestRewindIsNewestByTime has ids of one second that sort the other way, and
// another service's.
func TestTheNewestRewindIsNewestByTime(t *testing.T) {
	s := Rewinds{StateDir: t.TempDir()}
	at := time.Date(2026, 11, 29, 22, 16, 10, 0, time.UTC)
	for id, r := range map[string]Rewind{
		"rewind-20261129-221610-ffff": {Service: "shop", Rows: 1, At: at.Add(100 * time.Millisecond)},
		"rewind-20261129-221610-0000": {Service: "shop", Rows: 2, At: at.Add(900 * time.Millisecond)},
		"rewind-20261129-221610-1111": {Service: "shop", At: at.Add(950 * time.Millisecond)}, // it changed nothing
		"rewind-20261129-221611-ffff": {Service: "crm", Rows: 1, At: at.Add(time.Second)},
	} {
		r.ID = id
		if err := s.Keep(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		service string
		after   time.Time
		want    string
	}{
		{"shop", time.Time{}, "rewind-20261129-221610-0000"},
		{"shop", at.Add(time.Second), ""},
		{"crm", at, "rewind-20261129-221611-ffff"},
		{"other", time.Time{}, ""},
	} {
		if got := s.Newest(c.service, c.after); got != c.want {
			t.Errorf("%s after %v: %q, not %q", c.service, c.after, got, c.want)
		}
	}
	damaged := filepath.Join(s.StateDir, "rewinds", "rewind-20261129-221612-0000.json")
	if err := os.WriteFile(damaged, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.Newest("shop", time.Time{}); got != "rewind-20261129-221612-0000" {
		t.Errorf("a record that cannot be read is passed over: %q", got)
	}
}
