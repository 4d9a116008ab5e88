package main

import (
	"context"
	"errors"
	"fmt"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/jsonout"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/rewind"
)

// mostShown is how many rows of a plan are printed for people.
const mostShown = 200

func (sh *shelf) sayRewind(p *rewind.Plan) error {
	t := cells.Table{
		Head: []string{sh.lang.T("table"), sh.lang.T("key"), sh.lang.T("action"), sh.lang.T("state")},
		Max:  sh.width(),
	}
	var trace lang.Msg // of a row that was changed since
	err := p.Each(func(r *rewind.Row) error {
		if len(t.Rows) == mostShown {
			return errEnough
		}
		since := r.State == binlog.Changed || r.State == binlog.Gone
		if key := rewind.TypedKey(p, r); since && trace.Empty() && key != "" {
			trace = lang.M("find when such a row was changed, and in which transaction: opsdeck audit changes "+
				"--table %s --key %s", human.Shell(r.Table), human.Shell(key))
		}
		t.Rows = append(
			t.Rows,
			[]string{
				termsafe.Line(r.Table),
				termsafe.Line(rewind.KeyText(p.Key(r))),
				sh.lang.Msg(r.UndoLabel()),
				sh.lang.Msg(rewind.StateLabel(p, r.State)),
			},
		)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	fmt.Fprint(sh.out, t)
	if more := p.Len() - mostShown; more > 0 {
		sh.say(lang.M("and %s more rows; --json prints them all", human.Count(int64(more))))
	}
	sh.say(rewind.Summary(p))
	if !trace.Empty() {
		sh.say(trace)
	}
	for _, m := range rewind.Warnings(p) {
		sh.note(m)
	}
	return nil
}

// rewindRowJSON is one row of a plan.
type rewindRowJSON struct {
	Table  string         `json:"table"`
	Key    map[string]any `json:"key"`
	Action binlog.Verb    `json:"action"`
	State  binlog.State   `json:"state"`
	Now    map[string]any `json:"now"`
	Then   map[string]any `json:"then"`
	// who changed the row since; null for a clean row, and where the log does not tell
	ChangedBy *rewind.Changer `json:"changed_by"`
}

// rewindJSON prints a plan as it is read.
func (sh *shelf) rewindJSON(ctx context.Context, p *rewind.Plan, choice rewind.Choice) error {
	hash, err := p.Hash()
	if err != nil {
		return err
	}
	later, err := rewind.FindLater(ctx, p)
	if err != nil {
		return err
	}
	return sh.jsonParts(
		jsonout.Part{Key: "txn", Value: p.Txn.ID},
		jsonout.Part{Key: "hash", Value: hash},
		jsonout.Part{Key: "statements", Each: func(take func(any) error) error {
			return p.Statements(ctx, choice, func(q string) error { return take(q) })
		}},
		jsonout.Part{Key: "rows", Each: func(take func(any) error) error {
			return p.Each(func(r *rewind.Row) error {
				return take(rewindRowJSON{Table: r.Table, Key: p.Key(r), Action: r.Undo(), State: r.State,
					Now: p.Named(r.Table, r.Now), Then: p.Named(r.Table, r.Before), ChangedBy: later.By(r)})
			})
		}},
		jsonout.Part{Key: "conflicts", Value: p.Conflicts()},
		jsonout.Part{Key: "triggers", Value: p.Triggers},
		jsonout.Part{Key: "cascades", Value: p.Cascades},
		jsonout.Part{Key: "users", Value: p.Users},
		jsonout.Part{Key: "users_unread", Value: p.Unread},
		jsonout.Part{Key: "users_hidden", Value: p.Blind},
		jsonout.Part{Key: "without_key", Value: p.Bare},
		jsonout.Part{Key: "columns", Value: p.Columns},
	)
}

// errEnough ends a walk through rows.
var errEnough = errors.New("enough")
