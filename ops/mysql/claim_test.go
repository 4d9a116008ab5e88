package mysql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// TestAClaimIsTakenAgainAfterABreak: a claim whose session the server ended is
// claimed again, unless another was faster; one that is given back is free.
func TestAClaimIsTakenAgainAfterABreak(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		ctx := context.Background()
		at := targetOf(s)
		take := func(database, what string) (*Claim, error) {
			return TakeClaim(ctx, at, database, lock.Holder{User: "zhang", What: what}, nil)
		}
		one, err := take("shop", "restore 1")
		if err != nil {
			t.Fatal(err)
		}
		if other, err := take("shop_b", "restore 2"); err != nil {
			t.Errorf("another database: %v", err)
		} else {
			other.Release()
		}
		_, err = take("shop", "restore 3")
		if !errors.Is(err, ErrClaimed) || ops.CodeOf(err) != ops.Busy {
			t.Fatalf("a second claim: %v", err)
		}
		if s.Flavour == "mysql" && !strings.Contains(err.Error(), "zhang on ") {
			t.Errorf("the holder is not named: %v", err)
		}
		if err := LookClaim(ctx, at, "shop"); !errors.Is(err, ErrClaimed) {
			t.Errorf("looked at: %v", err)
		}
		end(t, s, one)
		if err := one.again(ctx); err != nil {
			t.Fatalf("after a break: %v", err)
		}
		if err := LookClaim(ctx, at, "shop"); !errors.Is(err, ErrClaimed) {
			t.Errorf("after a break it is free: %v", err)
		}
		end(t, s, one)
		two, err := take("shop", "restore 4")
		if err != nil {
			t.Fatal(err)
		}
		if err := one.again(ctx); !errors.Is(err, ErrClaimed) {
			t.Errorf("another was faster: %v", err)
		}
		one.Release()
		two.Release()
		if err := LookClaim(ctx, at, "shop"); err != nil {
			t.Errorf("given back: %v", err)
		}
	})
}

// end has the server end the session of a claim, and waits until the lock is free.
func end(t *testing.T, s *testdb.Server, c *Claim) {
	t.Helper()
	db := s.Open(t, "")
	name := claimName(t.Context(), db, c.database)
	var id, free string
	if err := db.QueryRow("SELECT IS_USED_LOCK(?)", name).Scan(&id); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "", "KILL "+id)
	for begin := time.Now(); free != "1"; time.Sleep(5 * time.Millisecond) {
		if err := db.QueryRow("SELECT IS_FREE_LOCK(?)", name).Scan(&free); err != nil ||
			time.Since(begin) > 2*time.Minute {
			t.Fatalf("the lock of %s: free %s, %v", id, free, err)
		}
	}
}
