package restores

import (
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/site"
)

// ended keeps a swap of shop that ended with these events after its RENAME.
func ended(t *testing.T, d *Desk, id, live string, at time.Time, more ...restore.Kind) *run.Run {
	t.Helper()
	src := restore.Source{Name: "b.sql.gz", Path: "/b/b.sql.gz", State: "good", Manifest: true}
	set := restore.Settings{Service: "shop", EmergencyDir: "/b"}
	p := restore.Draft(id, at, restore.Choice{Mode: restore.Swap}, set, src, live, &restore.Assessment{})
	f, err := d.Store.Save(p)
	if err != nil {
		t.Fatal(err)
	}
	j, err := run.OpenJournal(f.JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s := restore.New(p)
	next := func(kind restore.Kind) {
		at = at.Add(time.Second)
		e := restore.Event{Kind: kind, Time: at, Typed: live}
		if s, _, err = restore.Next(s, e); err != nil {
			t.Fatal(err)
		}
		if err := j.Append(run.Line{Time: at, Event: &e, Stage: s.Stage}); err != nil {
			t.Fatal(err)
		}
	}
	for next(restore.KindBegin); !s.Stage.Final(); {
		next(restore.KindDone)
	}
	for _, kind := range more {
		for next(kind); !s.Stage.Final(); {
			next(restore.KindDone)
		}
	}
	r, err := d.Store.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestARestoreBelowANewerOneIsNotUndone: the newer one goes first, unless it cannot be undone
// or is of another database.
func TestARestoreBelowANewerOneIsNotUndone(t *testing.T) {
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		live string
		more []restore.Kind
		want string
	}{
		"live":            {"shop", nil, "undo that one first: opsdeck restore undo 20261129-040000-0002"},
		"undone":          {"shop", []restore.Kind{restore.KindUndo}, ""},
		"its tables gone": {"shop", []restore.Kind{restore.KindDrop}, ""},
		"elsewhere":       {"shop_test", nil, ""},
	} {
		d := &Desk{Store: run.Store{Dir: t.TempDir()}, Site: &site.Site{Service: &config.Service{Name: "shop"}}}
		older := ended(t, d, "20261129-030000-0001", "shop", at)
		newer := ended(t, d, "20261129-040000-0002", c.live, at.Add(time.Hour), c.more...)
		hint := ""
		if err := Covered(d, older); err != nil {
			hint = err.(*ops.Error).Hint.String()
		}
		if hint != c.want {
			t.Errorf("%s: %q, not %q", name, hint, c.want)
		}
		if err := Covered(d, newer); err != nil {
			t.Errorf("%s: the newer one: %v", name, err)
		}
	}
}
