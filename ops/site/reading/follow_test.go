package reading

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// TestAHalfLineIsHandedOn: when it waited long enough; its rest is an event of its own, and no
// event comes twice.
func TestAHalfLineIsHandedOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write := func(text string) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	f := &Follower{
		Scan:    &index.Scan{Query: &query.Query{}, Zone: time.UTC, Now: time.Now()},
		Style:   func(string) *line.Style { return nil },
		Emit:    func(e *logs.Event) { got = append(got, e.Message) },
		Flush:   func() {},
		Note:    func(lang.Msg) {},
		running: true,
	}
	tail := logfile.NewTail(path, &followedSource{Follower: f, name: path, ctx: t.Context()})
	const half = "2026-01-29T12:00:00Z INFO tor"
	write(half)
	tail.Look()
	always := func() bool { return true }
	k := f.tracks[0]
	if !k.Grow(int64(len(half)), always) || len(got) > 0 || !k.Settle(always) || !k.Settle(always) {
		t.Fatalf("handed on %q", got)
	}
	k.live.Quiet(0)
	write("n\n2026-01-29T12:00:01Z INFO next\n")
	tail.Look()
	tail.Close()
	if want := []string{"tor", "n", "next"}; !slices.Equal(got, want) {
		t.Fatalf("handed on %q, want %q", got, want)
	}
}
