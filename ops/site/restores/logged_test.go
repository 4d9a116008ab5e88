package restores

import (
	"testing"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
)

// TestALogOfTheBackupsSecondMayGoOn: MariaDB logs whole seconds, and a backup has parts of one.
func TestALogOfTheBackupsSecondMayGoOn(t *testing.T) {
	second := time.Date(2026, 11, 30, 13, 27, 52, 0, time.UTC)
	src := restore.Source{At: second.Add(400 * time.Millisecond), Positions: []binlog.BackupPosition{
		{Position: binlog.Position{File: "binlog.000002", Pos: 800}},
	}}
	for _, c := range []struct {
		to   time.Time
		file string
		pos  uint64
		on   bool
	}{
		{second.Add(time.Second), "binlog.000002", 900, true},
		{second, "binlog.000002", 900, true},
		{second, "binlog.000003", 4, true},
		{second, "binlog.000002", 800, false},
		{second.Add(-time.Second), "binlog.000003", 4, false}, // another log of that name
	} {
		span := &binlog.Span{ToTime: c.to, ToFile: c.file, ToPos: c.pos}
		if got := reachesBeyond(span, src); got != c.on {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
