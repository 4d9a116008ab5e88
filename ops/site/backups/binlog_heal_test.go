package backups

import (
	"testing"
	"time"

	"opsdeck/ops/binlog"
)

// TestABackupHealsTheGapsBeforeIt: MariaDB logs whole seconds, so within one second the
// position decides, and only within the same run of file names.
func TestABackupHealsTheGapsBeforeIt(t *testing.T) {
	second := func(s float64) time.Time {
		return time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
	}
	at := func(s float64, server, file string, pos uint64) Healer {
		return Healer{At: second(s), Positions: []binlog.BackupPosition{
			{Position: binlog.Position{File: file, Pos: pos}, Server: server}}}
	}
	gap := binlog.Gap{Server: "id-1", FromFile: "b.000002", FromPos: 900, FromTime: second(10),
		ToFile: "b.000005", ToPos: 4, ToTime: second(22), Reason: binlog.Missing}
	reset := gap
	reset.Reason, reset.ToFile = binlog.Reset, "b.000001"
	for _, c := range []struct {
		name   string
		backup Healer
		gap    binlog.Gap
		want   bool
	}{
		{"no backup", Healer{}, gap, false},
		{"a later second", Healer{At: second(23)}, gap, true},
		{"the same second, no position", Healer{At: second(22.4)}, gap, false},
		{"the same second, after it", at(22.4, "id-1", "b.000005", 339), gap, true},
		{"where the log goes on", at(22.4, "id-1", "b.000005", 4), gap, true},
		{"the same second, in what was lost", at(22.4, "id-1", "b.000004", 9000), gap, false},
		{"before the first transaction after the gap", at(15, "id-1", "b.000005", 4), gap, true},
		{"another server's log", at(22.4, "id-2", "b.000007", 4), gap, false},
		{"an earlier log with the same file names", at(5, "id-1", "b.000007", 4), gap, false},
		{"before a reset", at(22.1, "id-1", "b.000002", 900), reset, false},
	} {
		if got := c.backup.heals(c.gap); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
