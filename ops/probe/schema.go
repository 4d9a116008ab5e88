package probe

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Schema compares the tables that should be in a database with those that are.
type Schema struct {
	Database string
	// Expected lists the tables that should be there, and says by what that is
	// known. No tables by something means that it has none; without by, nothing is known.
	Expected func(ctx context.Context) (tables []string, by lang.Msg, err error)
	// Present lists those that are there.
	Present func(ctx context.Context) ([]string, error)
	List    string // the command that lists the server's databases
	// Exists tells whether there is such a database; asked where it shows no tables. May
	// be nil.
	Exists func(ctx context.Context) (bool, error)
	// Emptied lists those of the tables that are there which had rows in the newest
	// good backup and hold none now. May be nil.
	Emptied func(ctx context.Context, present []string) ([]string, error)
	// Keys are the tables that a restore must find in its backup.
	Keys []string
}

// namesShown is how many missing tables the sentence names.
const namesShown = 3

// Probe makes the check. A missing table is critical: what holds no rows any
// more can only come back by a restore. A small one that was dropped on purpose is
// forgotten with the next backup, a large one when backups without it follow each other.
func (s Schema) Probe() health.Probe {
	return func(ctx context.Context) health.Result {
		want, by, err := s.Expected(ctx)
		if err != nil {
			return health.CannotTell(lang.M("the tables cannot be compared"), sentence(err))
		}
		have, err := s.Present(ctx)
		if err != nil {
			r := health.CannotTell(lang.M("the tables cannot be listed"), sentence(err))
			r.Follows = health.KindMySQL
			return r
		}
		r := s.judge(want, have, by)
		s.findNoKey(want, have, &r)
		if len(have) == 0 && r.Lost && s.Exists != nil {
			s.findGone(ctx, len(want), by, &r)
		}
		if s.Emptied != nil && len(have) > 0 {
			s.findEmptied(ctx, have, &r)
		}
		return r
	}
}

// findNoKey adds the key tables of the configuration that are nowhere: a restore would stop
// at them, at a time when nobody can wait.
func (s Schema) findNoKey(want, have []string, r *health.Result) {
	var nowhere []string
	for _, key := range s.Keys {
		same := func(name string) bool { return strings.EqualFold(name, key) }
		if len(have) > 0 && !slices.ContainsFunc(have, same) && !slices.ContainsFunc(want, same) {
			nowhere = append(nowhere, key)
		}
	}
	if len(nowhere) > 0 {
		r.FindNext(ops.StateWarning, lang.M("restore.key_tables names tables that neither %s nor a good backup has",
			s.Database), lang.M("%s", shorten(nowhere)),
			lang.M("Correct restore.key_tables in the configuration: a restore would stop there."))
	}
}

// findGone says of a database without tables whether there is one at all.
func (s Schema) findGone(ctx context.Context, tables int, by lang.Msg, r *health.Result) {
	there, err := s.Exists(ctx)
	if err != nil {
		r.AddUnknown("database_exists", sentence(err))
		return
	}
	r.Add("database_exists", there, lang.Msg{})
	if there {
		return
	}
	r.Headline = lang.M("there is no database %s, or this user cannot see it", s.Database)
	r.Why = lang.M("%s has %d", by, tables)
	r.Next = lang.M("List the databases: %s", s.List)
	r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
}

// findEmptied adds the tables that were emptied since the newest backup: a warning,
// for they may have been emptied on purpose. What cannot be looked at is told.
func (s Schema) findEmptied(ctx context.Context, have []string, r *health.Result) {
	empty, err := s.Emptied(ctx, have)
	if err != nil {
		r.AddUnknown("emptied_tables", sentence(err))
	} else {
		r.Add("emptied_tables", append([]string{}, empty...), lang.M("%s", lang.List(empty)))
	}
	if len(empty) > 0 {
		r.Find(ops.StateWarning,
			lang.M("%d tables of %s that had rows in a good backup are empty", len(empty), s.Database), lang.M("%s",
				shorten(empty)))
	}
}

func (s Schema) judge(want, have []string, by lang.Msg) health.Result {
	var missing []string
	for _, name := range want {
		if !slices.Contains(have, name) {
			missing = append(missing, name)
		}
	}
	var r health.Result
	r.Add("tables", len(have), lang.Msg{})
	r.Add("expected_tables", len(want), lang.Msg{})
	r.Add("missing_tables", append([]string{}, missing...), lang.M("%s", lang.List(missing)))
	switch {
	case len(have) == 0 && len(want) > 0:
		r.Find(ops.StateCritical, lang.M("the database %s has no tables", s.Database), lang.M("%s has %d", by,
			len(want)))
		r.Down, r.Lost = true, true
	case len(missing) > 0:
		has := lang.M("%s has them: %s", by, shorten(missing))
		if len(missing) == 1 {
			has = lang.M("%s has it: %s", by, missing[0])
		}
		r.Find(ops.StateCritical, lang.M("%d of %d tables of %s are missing", len(missing), len(want), s.Database), has)
		r.Down, r.Lost = true, true
	case len(want) == 0 && !by.Empty():
		r.Detail = lang.M("%d tables; %s has none", len(have), by)
	case len(want) == 0:
		r.Detail = lang.M("%d tables; no backup to compare them with", len(have))
	default:
		r.Detail = lang.M("all %d tables of %s exist", len(want), by)
	}
	return r
}

// sentence is an error's sentence for people, where it has one: its cause is in it.
func sentence(err error) lang.Msg {
	var e *ops.Error
	if errors.As(err, &e) {
		return e.What
	}
	return lang.Raw(err.Error())
}

func shorten(names []string) lang.List {
	if len(names) <= namesShown {
		return lang.List(names)
	}
	short := slices.Clone(names[:namesShown])
	short[namesShown-1] += " …"
	return lang.List(short)
}
