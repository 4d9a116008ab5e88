package restore

import (
	"slices"
	"strconv"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
)

// Reach is how close to the present a restore can come.
type Reach struct {
	Backup time.Time // newest good backup; zero if there is none
	LogTo  time.Time // end of the binlog that continues it; zero if none does
	Now    time.Time
}

// Say is the reach in one sentence; clock formats a time.
func (r Reach) Say(clock func(time.Time) string) lang.Msg {
	switch {
	case r.Backup.IsZero():
		return lang.M("there is no good backup to restore from")
	case r.LogTo.IsZero():
		return lang.M("newest good backup %s; no binlog continues it: everything written since is lost (%s)",
			clock(r.Backup), whole(r.Now.Sub(r.Backup)))
	}
	lost := max(time.Second, r.Now.Sub(r.LogTo))
	return lang.M("newest good backup %s + binlog to %s: at most %s is lost",
		clock(r.Backup), clock(r.LogTo), whole(lost))
}

// Since is how long ago a moment was.
func (r Reach) Since(at time.Time) string { return whole(r.Now.Sub(at)) }

// whole formats a duration without fractions of seconds.
func whole(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + " s"
	}
	return human.Duration(d.Truncate(time.Second))
}

// Cure is a way to repair an accident.
type Cure string

// The cures, the smallest first.
const (
	CureUndo     Cure = "undo"     // undo one transaction
	CureTable    Cure = "table"    // restore one table to a moment
	CureDatabase Cure = "database" // restore the whole database to a moment
)

// Advice is a cure with its cost, and the reason if it is impossible.
type Advice struct {
	Cure  Cure
	Why   lang.Msg // what it does and loses
	Off   lang.Msg // empty if possible
	Table string   // for CureTable
}

// undoRate is the number of rows undone per second: a million took 55 seconds on two busy
// cores, including the plan.
const undoRate = 18_000

// Advise lists the cures for the effect of one transaction on a database: the smallest
// sufficient one first, then larger ones, then impossible ones. unreached tells why no
// restore to the moment before it is possible; empty if one is.
func Advise(t *binlog.Transaction, database string, unreached lang.Msg) []Advice {
	undo := Advice{Cure: CureUndo, Off: noUndo(t, database)}
	rows := int64(0)
	var tables []string
	for _, c := range t.Tables {
		if c.Schema == database {
			rows += c.Rows()
			tables = append(tables, c.Table)
		}
	}
	about := whole(max(time.Second, time.Duration(rows/undoRate)*time.Second))
	undo.Why = lang.M("undoes %s rows in about %s; keeps everything written since; the service keeps running",
		human.Count(rows), about)
	table := Advice{Cure: CureTable}
	if len(tables) == 1 {
		table.Table = tables[0]
	}
	table.Why = lang.M("one table to just before it: loses what was written to that table since; needs a load of " +
		"that table")
	if len(tables) > 1 {
		table.Off = lang.M("it changed several tables, which must stay consistent")
	}
	whole := Advice{Cure: CureDatabase, Off: unreached}
	if !unreached.Empty() {
		table.Off = unreached
	}
	whole.Why = lang.M("the whole database to just before it: loses everything written since; needs a full load")
	out := []Advice{undo, table, whole}
	if !undo.Off.Empty() {
		out = []Advice{table, whole, undo}
	}
	if !table.Off.Empty() && !undo.Off.Empty() {
		out = []Advice{whole, undo, table}
	}
	return out
}

// WithoutUndo is advice for a transaction of which the undo was refused, and why.
func WithoutUndo(advice []Advice, why lang.Msg) []Advice {
	out := slices.Clone(advice)
	for i := range out {
		if out[i].Cure == CureUndo {
			out[i].Off = why
		}
	}
	slices.SortStableFunc(out, func(a, b Advice) int { return impossible(a) - impossible(b) })
	return out
}

func impossible(a Advice) int {
	if a.Off.Empty() {
		return 0
	}
	return 1
}

// noUndo is why a transaction cannot be undone row by row; empty if it can.
func noUndo(t *binlog.Transaction, database string) lang.Msg {
	switch {
	case t.Unfinished || t.RolledBack:
		return lang.M("it is not committed")
	case len(t.DDL) > 0:
		return lang.M("it changes definitions or empties a table: the log has no rows to restore")
	case len(t.Other) > 0:
		return lang.M("the log has its statements instead of its rows")
	}
	for _, c := range t.Tables {
		if c.Schema == database {
			return lang.Msg{}
		}
	}
	return lang.M("it changed no rows of this database")
}

// Label is the cure's name.
func (c Cure) Label() lang.Msg {
	switch c {
	case CureUndo:
		return lang.M("undo this transaction")
	case CureTable:
		return lang.M("one table to a moment")
	}
	return lang.M("the whole database to a moment")
}

// Rewound is a plan to undo a transaction, or its result.
type Rewound struct {
	Txn       string
	Hash      string // of the plan
	Rows      int
	Conflicts int    // rows that are not as the transaction left them
	Used      int    // of these, rows that would be deleted, but other rows refer to them
	Text      string // the rows, in readable form
	ID        string // what restore undo takes; "" for a plan
}

// Summary says how many rows a plan has, and how many are not as the transaction left them.
func (r Rewound) Summary() lang.Msg {
	if r.Used > 0 {
		return lang.M("%s rows: %s changed or deleted since, %s to which other rows refer", human.Count(int64(r.Rows)),
			human.Count(int64(r.Conflicts-r.Used)), human.Count(int64(r.Used)))
	}
	return lang.M("%s rows, %s of them changed or deleted since", human.Count(int64(r.Rows)),
		human.Count(int64(r.Conflicts)))
}
