package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// lockless is a server with these other sessions; err is what its locks answer.
type lockless struct {
	err  error
	idle []restore.Session
}

func (l lockless) Writers(context.Context, *restore.Plan) ([]restore.Session, error) {
	return l.idle, nil
}

func (lockless) Kill(context.Context, *restore.Plan, []restore.Session) ([]restore.Note, error) {
	return nil, nil
}

func (l lockless) Locked(context.Context, *restore.Plan, time.Duration, func(context.Context) error) error {
	return l.err
}

// TestNoQuietIsClaimedWhereItCannotBeSeen: with the locks nobody can write; without them that is
// unknown; and while somebody holds them the restore asks.
func TestNoQuietIsClaimedWhereItCannotBeSeen(t *testing.T) {
	held := &HeldError{Text: lang.M("a transaction is open on tables of %s: %s", "shop", "session 7")}
	pool := []restore.Session{{ID: 590, User: "app", Host: "localhost", Command: "Sleep"}}
	for _, c := range []struct {
		idle   []restore.Session
		err    error
		kind   restore.Kind
		quiet  bool
		saying string
	}{
		{nil, nil, restore.KindDone, true, "no session is left"},
		{pool, nil, restore.KindDone, false, "idle sessions left: 1; they could write"},
		{nil, errors.Join(ErrNoLocks, errors.New("denied")), restore.KindDone, false, "is unknown"},
		{nil, held, restore.KindFound, false, "a transaction is open"},
	} {
		s := lockless{c.err, c.idle}
		crew := &Crew{Database: Database{Sessions: s, Locks: s}, QuietFor: time.Millisecond}
		ev, err := crew.quiet(t.Context(), &restore.Plan{}, func(ops.Progress) {})
		var said []string
		for _, n := range ev.Notes {
			said = append(said, n.Msg.String())
		}
		text := strings.Join(said, "\n")
		if err != nil || ev.Kind != c.kind || !strings.Contains(text, c.saying) ||
			strings.Contains(text, "no session is left") != c.quiet {
			t.Errorf("%v: %s, %v:\n%s", c.err, ev.Kind, err, text)
		}
	}
}
