package replay

import (
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// order is the order of a backup and a moment.
type order uint8

const (
	usable   order = iota // the backup holds nothing after the moment
	early                 // the moment is before the backup, which holds more
	unnamed               // the backup holds transactions that are not in the set of GTIDs
	unproved              // it is unknown which transactions the backup holds
)

// EarlyError reports that the moment is before the backup.
type EarlyError struct{ Said *ops.Error }

func (e *EarlyError) Error() string { return e.Said.Error() }

// Unwrap is the error for people.
func (e *EarlyError) Unwrap() error { return e.Said }

// orderOf tells whether a backup precedes the moment, for every form of moment. f is the
// result of Look.
func orderOf(m binlog.Moment, src restore.Source, run *changes.Run, f *Forecast) order {
	switch {
	case m.GTIDs != "":
		return orderOfGTIDs(run.Base, m.GTIDs)
	case f.Transactions > 0:
	case !m.Time.IsZero() && m.Time.Before(src.At.Truncate(time.Second)):
		return early
	case m.Position != nil && m.Position.Before(run.From.Position):
		return early
	}
	return usable
}

// orderOfGTIDs compares a backup's GTIDs with the requested set.
func orderOfGTIDs(held binlog.GTIDs, set string) order {
	want, err := binlog.ParseGTIDs(set)
	switch {
	case err != nil || held.Empty() || held.MariaDB() != want.MariaDB():
		return unproved
	case want.Contains(held):
		return usable
	case held.Contains(want):
		return early
	}
	return unnamed
}

// momentText is a moment as people read it: a time to the second, as all the others.
func momentText(m binlog.Moment) string {
	if m.Before == "" && m.Position == nil && m.GTIDs == "" {
		return human.Moment(m.Time)
	}
	return m.String()
}

// refusal is the error for a backup that does not precede the moment; reached tells
// whether the log contains the moment. nil if the backup is usable.
func (o order) refusal(m binlog.Moment, src restore.Source, run *changes.Run, reached bool) error {
	switch {
	case o == early:
		return &EarlyError{ops.E(ops.Usage, lang.M("%s is before the backup %s", momentText(m), src.Name)).
			WithHint(lang.M("it can reach %s; for older backups: opsdeck backup list", reach(src, run)))}
	case !reached:
		return notReached(m, src, run)
	case o == unproved:
		return ops.E(ops.Failed, lang.M("%s does not record its GTIDs: it may contain transactions that are not in %s",
			src.Name, m.String())).
			WithHint(lang.M("give the moment as a time or FILE:POS; it can reach %s", reach(src, run)))
	case o == unnamed:
		all := run.Base.Clone()
		if want, err := binlog.ParseGTIDs(m.GTIDs); err == nil {
			all.Union(want)
		}
		return ops.E(ops.Usage, lang.M("the backup %s contains transactions that are not in %s", src.Name, m.String())).
			WithHint(lang.M("to keep them, name them too: --until %s; for older backups: opsdeck backup list",
				all.String()))
	}
	return nil
}
