package replay

import (
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// order is how a backup stands to a moment.
type order uint8

const (
	usable   order = iota // the backup holds nothing from after the moment
	early                 // the moment lies before the backup, which holds more
	unnamed               // the backup holds transactions that the set of GTIDs does not name
	unproved              // nobody knows which transactions the backup holds
)

// EarlyError says that the moment lies before the backup.
type EarlyError struct{ Said *ops.Error }

func (e *EarlyError) Error() string { return e.Said.Error() }

// Unwrap is what a person is told.
func (e *EarlyError) Unwrap() error { return e.Said }

// orderOf tells whether a backup is before the moment, for every form of moment. Look
// found f.
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

// orderOfGTIDs compares what a backup holds with the set of all that is wanted.
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

// refusal is the sentence of a backup that is not before the moment; reached tells
// whether the log holds the moment. nil where the backup is usable.
func (o order) refusal(m binlog.Moment, src restore.Source, run *changes.Run, reached bool) error {
	switch {
	case o == early:
		return &EarlyError{ops.E(ops.Usage, lang.M("%s is before the backup %s", m.String(), src.Name)).
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
			WithHint(lang.M("to keep them, name them too: --until %s; for older backups: opsdeck backup list", all.String()))
	}
	return nil
}
