package watch

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestAFailedRunIsTriedAgainWithinItsWindow lets cron look every ten minutes at a
// job whose server is away for some hours.
func TestAFailedRunIsTriedAgainWithinItsWindow(t *testing.T) {
	for _, c := range []struct {
		promise string
		away    time.Duration
		final   bool
		tries   int
		done    bool
	}{
		{"a server that is back after a minute", 5 * time.Minute, false, 2, true},
		{"one that is away for two hours", 2 * time.Hour, false, 5, true},
		{"one that stays away", 20 * time.Hour, false, attempts, false},
		{"what trying again cannot mend", 20 * time.Hour, true, 1, false},
	} {
		t.Run(c.promise, func(t *testing.T) {
			var tries []Try
			s, clock := scheduler(t, nil)
			s.Jobs[0].Run = func(ctx context.Context) error {
				tries = append(tries, TryOf(ctx))
				switch {
				case clock.Now().Sub(day(2, 2)) >= c.away:
					return nil
				case c.final:
					return Final(errors.New("bad"))
				}
				return errors.New("away")
			}
			due(t, s)
			for now := day(2, 2).Add(30 * time.Second); now.Before(day(3, 2)); now = now.Add(10 * time.Minute) {
				clock.Set(now)
				due(t, s)
			}
			last, _ := s.Record.Last()
			if len(tries) != c.tries || (last["daily"].Result == Done) != c.done {
				t.Errorf("%d tries, the last %s", len(tries), last["daily"].Result)
			}
			for i, try := range tries {
				if try.Attempt != i+1 || !try.Due.Equal(day(2, 2)) {
					t.Errorf("try %d: %+v", i+1, try)
				}
			}
			n := len(tries)
			clock.Set(day(3, 2))
			if due(t, s); len(tries) != n+1 || tries[n].Attempt != 1 {
				t.Errorf("the next night's run: %+v", tries[n:])
			}
		})
	}
}

func TestNoRetryRunsIntoTheNextRun(t *testing.T) {
	last := Run{Result: Failed, Attempt: 1, Due: day(2, 2), Ended: day(3, 2).Add(-time.Minute)}
	if at, ok := RetryAt(at(2), last); ok {
		t.Errorf("next attempt at %s", at)
	}
}
