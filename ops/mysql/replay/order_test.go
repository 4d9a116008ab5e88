package replay

import (
	"testing"

	"opsdeck/ops/binlog"
)

// A backup is usable only if everything in it is in the requested set.
func TestABackupIsBeforeASetOfGTIDs(t *testing.T) {
	t.Parallel()
	const a, b = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
	for _, c := range []struct {
		held, want string
		order      order
	}{
		{a + ":1-1180", a + ":1-1180", usable},
		{a + ":1-1180", a + ":1-1200", usable},
		{a + ":1-1180", a + ":1-1180," + b + ":1", usable},
		{a + ":1-1180", a + ":1-1166", early},
		{a + ":1-1180", a + ":5", early},
		{a + ":1-1180," + b + ":1-3", a + ":1-1180", early},
		{a + ":1-1180", a + ":1200", unnamed},
		{a + ":1-1180", b + ":1-5", unnamed},
		{a + ":1-10," + b + ":1-5", a + ":1-12," + b + ":1-3", unnamed},
		{a + ":1-1180", a + ":1-1166:1168-1180", early},
		{"", a + ":1-5", unproved},
		{"0-1-100", "0-1-100", usable},
		{"0-1-100", "0-1-101", usable},
		{"0-1-100,1-1-7", "0-2-105,1-1-7", usable},
		{"0-1-100", "0-2-5", early},
		{"0-1-100,1-1-7", "0-1-101", unnamed},
		{"0-1-100,1-1-7", "0-1-101,1-1-6", unnamed},
		{"0-1-100", "1-1-5", unnamed},
		{"", "0-1-5", unproved},
		{"0-1-100", a + ":1-5", unproved},
	} {
		held, err := binlog.ParseGTIDs(c.held)
		if err != nil {
			t.Fatal(err)
		}
		if got := orderOfGTIDs(held, c.want); got != c.order {
			t.Errorf("a backup with %q to %q is %d, want %d", c.held, c.want, got, c.order)
		}
	}
}
