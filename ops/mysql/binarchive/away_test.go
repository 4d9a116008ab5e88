package binarchive

import (
	"context"
	"errors"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// TestAFollowerOutlivesItsServer shuts a server down, then kills it: the follower reports
// it once each time, and resumes archiving when the server is back. A wrong password ends
// it.
func TestAFollowerOutlivesItsServer(t *testing.T) {
	testdbEach(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		o.Follow = true
		notes := make(chan Note, 1000)
		o.Tell = func(n Note) { notes <- n }
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() {
			_, err := Run(ctx, o)
			ended <- err
		}()
		next := func(what string, is func(Note) bool) {
			t.Helper()
			for limit := time.After(2 * time.Minute); ; {
				select {
				case n := <-notes:
					if is(n) {
						return
					}
					if n.Retry != nil || n.Back || n.Gap != nil {
						t.Fatalf("waiting for %s: %+v", what, n)
					}
				case err := <-ended:
					t.Fatalf("waiting for %s: it ended by itself: %v", what, err)
				case <-limit:
					t.Fatal("no word: ", what)
				}
			}
		}
		db := s.Schema(t)
		for i, end := range []func(){func() { s.Stop(t) }, s.Kill} {
			next("the archive", func(n Note) bool { return !n.Synced.IsZero() })
			workload(t, s, db, 10*i, 10*i+5)
			end()
			next("that it is gone", func(n Note) bool { return n.Retry != nil })
			s.Start(t)
			next("that it is back", func(n Note) bool { return n.Back })
			workload(t, s, db, 10*i+5, 10*i+10)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.Follow = false
		fetchWhole(t, s, o)
		o.Follow, o.Target.Password = true, "wrong"
		if _, err := Run(t.Context(), o); mysql.Number(err) != mysql.ErrAccessDenied {
			t.Fatalf("a wrong password: %v", err)
		}
	})
}
