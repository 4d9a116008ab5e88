package mysql

import (
	"fmt"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// room finds a server that accepts no writes because its disk is full, and a binary log
// whose own disk is nearly full. The disk of the data is a check of its own.
func (l *look) room() {
	next := lang.M("Find what fills it: %s", "opsdeck runbook disk-full")
	n, err := LookNoRoom(l.ctx, l.db, l.probe.Target)
	if err != nil {
		return // longQueries asks the same table, and says that it cannot be read
	}
	if n != nil {
		l.r.FindNext(ops.StateCritical, n.headline(), n.waiting(), next)
		return
	}
	disks, err := Disks(l.ctx, l.db, l.probe.Target)
	if err != nil {
		return
	}
	for _, d := range disks {
		if !d.Log || d.Data || !d.Known || d.Size == 0 {
			continue
		}
		share := float64(d.Free) / float64(d.Size)
		headline := lang.M("the disk of MySQL's binlog, %s, has %s free", d.Folder,
			human.PercentUnder(share, l.probe.DiskFree))
		why := lang.M("should be at least %s", human.Percent(l.probe.DiskFree))
		switch {
		case share < l.probe.DiskFree/4:
			l.r.FindNext(ops.StateCritical, headline, why, next)
		case share < l.probe.DiskFree:
			l.r.FindNext(ops.StateWarning, headline, why, next)
		}
	}
}

// headline is the finding in Status.
func (n *NoRoom) headline() lang.Msg {
	switch {
	case !n.Sure:
		return lang.M("MySQL has not finished a commit for %s", human.Duration(n.For))
	case n.Folder == "":
		return lang.M("MySQL accepts no writes: its disk is full")
	}
	return lang.M("MySQL accepts no writes: the disk of %s is full", n.Folder)
}

// waiting says what waits.
func (n *NoRoom) waiting() lang.Msg {
	switch {
	case !n.Sure:
		return lang.M("the usual cause is a full disk of the binlog")
	case len(n.Sessions) == 0:
		return lang.M("the next write waits until there is space for the binlog")
	}
	return lang.M("statements that wait for space: %s, the longest for %s", fmt.Sprint(len(n.Sessions)),
		human.Duration(n.For))
}
