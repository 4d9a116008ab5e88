package swap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// Present lists the tables of the live database: which exist, which can be read, and which
// have rows.
func (s *Surveyor) Present(ctx context.Context, p *restore.Plan, avoid []string) (restore.Present, error) {
	var out restore.Present
	db, err := s.db(ctx)
	if err != nil {
		return out, err
	}
	name := p.Target.Database
	if out.SchemaThere, err = exists(ctx, db, name); err != nil || !out.SchemaThere {
		return out, err
	}
	names, err := tables(ctx, db, name)
	if err != nil {
		return out, err
	}
	for _, t := range names {
		state := "unreadable"
		if !slices.Contains(avoid, t) {
			err = s.damage.risk(ctx, db, name, t, func() (err error) {
				state, err = touch(ctx, db, name, t)
				return err
			})
			var ends *deadlyError
			if errors.As(err, &ends) {
				state, err = "unreadable", nil
			}
			if err != nil {
				return out, err
			}
		}
		out.Tables = append(out.Tables, restore.PresentTable{Name: t, State: state})
	}
	return out, nil
}

// Check verifies that server, database and tables match the plan.
func (s *Surveyor) Check(ctx context.Context, p *restore.Plan) ([]restore.Note, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	server, err := s.facts.state(ctx, db)
	if err != nil {
		return nil, err
	}
	if server.Identity != p.Target.Identity {
		return nil, ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the server is not the one in the plan")).
			WithHint(lang.M("make a new plan"))
	}
	have, err := tables(ctx, db, p.Target.Database)
	if err != nil {
		return nil, err
	}
	want := p.Leaving
	if p.Mode != restore.Into && len(p.Tables) > 0 {
		have = only(have, p.Tables)
	}
	if !same(have, want) {
		return nil, ops.Wrap(restore.ErrPlanChanged, ops.Failed,
			lang.M("the tables of %s changed since the plan was made", p.Target.Database)).
			WithHint(lang.M("make a new plan"))
	}
	return []restore.Note{
		restore.N(lang.M("server, database and %s tables are as planned", fmt.Sprint(len(have)))),
	}, nil
}

func only(names, wanted []string) []string {
	var out []string
	for _, n := range names {
		if slices.Contains(wanted, n) {
			out = append(out, n)
		}
	}
	return out
}

func same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, n := range a {
		if !slices.Contains(b, n) {
			return false
		}
	}
	return true
}
