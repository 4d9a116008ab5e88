package restore

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// Logged is what the binlog holds of the database after the backup. A restore of the
// backup alone loses it.
type Logged struct {
	Tables       []string `json:"tables"` // tables of the backup that do not exist now
	Transactions int64    `json:"transactions"`
	Rows         int64    `json:"rows"`
	Drop         string   `json:"drop,omitempty"` // the transaction that dropped them, if the log holds it
	// Cut is when a restore swapped the tables after the backup: the log cannot be replayed past
	// that. Zero where none did.
	Cut time.Time `json:"cut,omitzero"`
}

// text is what a restore of the backup alone loses.
func (l *Logged) text() lang.Msg {
	tables := termsafe.Line(strings.Join(l.Tables, ", "))
	if l.Transactions == 0 {
		return lang.M("missing now: %s; the binlog has no other changes after the backup", tables)
	}
	return lang.M("missing now: %s; the binlog has %s transactions with %s rows after the backup, which this restore "+
		"loses", tables, human.Count(l.Transactions), human.Count(l.Rows))
}

// hint is the restore that does not lose it, or loses the least; chosen are the tables of this
// one, none is all.
func (l *Logged) hint(chosen []string) lang.Msg {
	switch {
	case l.Transactions == 0:
		return lang.Msg{}
	case !l.Cut.IsZero() && slices.Equal(slices.Sorted(slices.Values(chosen)), slices.Sorted(slices.Values(l.Tables))):
		return lang.M("a restore swapped the tables at %s: the binlog cannot be replayed past that",
			human.Moment(l.Cut))
	case !l.Cut.IsZero():
		return lang.M("a restore swapped the tables at %s: the binlog cannot be replayed past that; restore the "+
			"missing tables alone, so that the others lose nothing: %s", human.Moment(l.Cut), onlyTables(l.Tables))
	case l.Drop != "":
		return lang.M("restore to just before the drop instead: opsdeck restore --before %s --plan", l.Drop)
	}
	return lang.M("replay them too: opsdeck restore --until now --plan")
}

// onlyTables is the command that plans a restore of these tables from the newest backup alone.
func onlyTables(names []string) string {
	return "opsdeck restore --tables " + human.Shell(strings.Join(names, ",")) + " --plan"
}

// judgeLogged warns of what the binlog would still give back.
func (p judge) judgeLogged(a *Assessment) {
	if l := a.Loss.Logged; l != nil && l.Transactions > 0 && p.Mode != Into {
		p.add(ops.StateWarning, l.text(), l.hint(p.Tables))
	}
}
