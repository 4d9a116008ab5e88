package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
)

// at is a schedule of one hour of each day, UTC.
type at int

func (h at) Next(t time.Time) time.Time {
	n := time.Date(t.Year(), t.Month(), t.Day(), int(h), 0, 0, 0, time.UTC)
	if !n.After(t) {
		n = n.AddDate(0, 0, 1)
	}
	return n
}

func (h at) Last(t time.Time) time.Time { return h.Next(t).AddDate(0, 0, -1) }

func day(d, hour int) time.Time { return time.Date(2026, 1, d, hour, 0, 0, 0, time.UTC) }

func scheduler(t *testing.T, run func(context.Context) error) (*Scheduler, *clocktest.Clock) {
	c := clocktest.New(day(1, 12))
	return &Scheduler{Jobs: []Job{{Name: "daily", Schedule: at(2), Run: run}}, Record: Record{t.TempDir()}, Clock: c}, c
}

func due(t *testing.T, s *Scheduler) []Run {
	t.Helper()
	ran, err := s.RunDue(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ran
}

func TestAMissedRunIsMadeUpForOnce(t *testing.T) {
	n := 0
	s, c := scheduler(t, func(context.Context) error { n++; return nil })
	if ran := due(t, s); ran != nil {
		t.Errorf("what was before the installation is no missed run: %+v", ran)
	}
	for _, step := range []struct {
		now  time.Time
		runs int
		due  time.Time
	}{
		{day(1, 23), 0, time.Time{}},
		{day(2, 2), 1, day(2, 2)},
		{day(2, 3), 1, time.Time{}},
		{day(6, 9), 2, day(6, 2)}, // off for days: one run for all
		{day(6, 10), 2, time.Time{}},
		{day(3, 2), 2, time.Time{}}, // the clock went backwards
		{day(7, 2), 3, day(7, 2)},
	} {
		c.Set(step.now)
		ran := due(t, s)
		if n != step.runs || len(ran) > 0 && !ran[0].Due.Equal(step.due) {
			t.Errorf("at %s: %d runs, %+v", step.now, n, ran)
		}
	}
}

func TestAFailedRunIsRememberedWithItsReason(t *testing.T) {
	s, c := scheduler(t, func(context.Context) error { return errors.New("no room") })
	due(t, s)
	c.Set(day(2, 2))
	due(t, s)
	last, _ := s.Record.Last()
	if r := last["daily"]; r.Result != Failed || r.Error != "no room" || !r.Due.Equal(day(2, 2)) {
		t.Errorf("%+v", r)
	}
}

func TestAStoppedRunIsStillDue(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, c := scheduler(t, func(context.Context) error { cancel(); return ctx.Err() })
	due(t, s)
	c.Set(day(2, 2))
	if ran, _ := s.RunDue(ctx); len(ran) != 1 || ran[0].Result != Stopped {
		t.Errorf("%+v", ran)
	}
	if ran := due(t, s); len(ran) != 1 {
		t.Error("it is not due any more")
	}
}

func TestACutLineIsStruckOut(t *testing.T) {
	s, c := scheduler(t, func(context.Context) error { return nil })
	due(t, s)
	f, _ := os.OpenFile(filepath.Join(s.Record.Dir, recordName), os.O_WRONLY|os.O_APPEND, 0)
	f.WriteString(`{"job":"daily","due":"2030`)
	f.Close()
	c.Set(day(2, 2))
	if ran := due(t, s); len(ran) != 1 {
		t.Error("not due")
	}
	if ran := due(t, s); len(ran) != 0 {
		t.Error("the line after the cut one is lost")
	}
}

func TestTheLoopEndsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, c := scheduler(t, func(context.Context) error { return nil })
	due(t, s)
	c.Set(day(2, 2))
	ended := make(chan error)
	go func() { ended <- s.Loop(ctx, func(ran []Run, err error) { cancel() }) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
}
