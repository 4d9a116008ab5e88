package remote

import (
	"context"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/backup"
)

// hashes is a store that only reads back.
type hashes struct {
	Store
	of map[string]string
}

func (h hashes) Hash(_ context.Context, name string) (string, error) { return h.of[name], nil }

func TestRotAtACopyIsFoundAndRemembered(t *testing.T) {
	good, rotten := strings.Repeat("a", 64), strings.Repeat("b", 64)
	set := func(name string) *backup.Set {
		return &backup.Set{Name: name, Size: 9, Summary: backup.Summary{SHA256: good, SizeBytes: 9}}
	}
	foreign := &backup.Set{Name: "foreign", Size: 9, Foreign: true}
	c := &Copier{Name: "off", Store: hashes{of: map[string]string{"whole": good, "rot": rotten, "foreign": good}},
		State: t.TempDir(), Copies: backup.Copies{}, Now: time.Now}
	for _, want := range []struct {
		set         *backup.Set
		good, known bool
	}{{set("whole"), true, true}, {set("rot"), false, true}, {foreign, false, false}} {
		v, err := c.Verify(context.Background(), want.set)
		if err != nil || v.Good != want.good || v.Known != want.known {
			t.Errorf("%s: %+v, %v", want.set.Name, v, err)
		}
	}
	again, err := backup.ReadCopies(c.State, map[string]string{c.Name: c.Target})
	if err != nil || !again.Of("off", "whole", good, 9) || again.Of("off", "rot", good, 9) || again["off"]["rot"].Good {
		t.Errorf("remembered: %+v, %v", again, err)
	}
	if some := c.Oldest([]*backup.Set{set("rot"), set("new"), foreign}, 10); len(some) != 1 || some[0].Name != "new" {
		t.Errorf("first comes what was never read back: %v", some)
	}
}
