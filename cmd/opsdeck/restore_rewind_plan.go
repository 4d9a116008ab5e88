package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/jsonout"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/site/restores"
)

// onPlan makes a plan and calls do with it.
func (sh *shelf) onPlan(ctx context.Context, want rewind.Request, do func(*sql.Conn, *rewind.Plan) error) error {
	src, err := sh.Binlog().OpenChanges(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	at, err := sh.rewindPlace()
	if err != nil {
		return err
	}
	defer at.end()
	want.Place = at.Place
	return sh.onConn(ctx, func(conn *sql.Conn) error {
		plan, err := rewind.Make(ctx, src, conn, sh.Service.Database.Name, want)
		if err != nil {
			return sh.notUndone(ctx, src, want, err)
		}
		defer plan.Close()
		at.end()
		return do(conn, plan)
	})
}

// rewindPlace is where plans keep their rows: the folder of the rewinds, else, for whoever
// may not write there, the system's folder for temporary files. end clears the line of
// progress.
func (sh *shelf) rewindPlace() (at rewindPlace, err error) {
	bar := sh.progress()
	at = rewindPlace{rewind.Place{Tell: bar.report}, bar.done}
	dir, err := sh.rewinds().Dir()
	if err == nil {
		err = unix.Access(dir, unix.W_OK)
	}
	if errors.Is(err, fs.ErrPermission) {
		return at, nil
	}
	at.Dir = dir
	return at, err
}

// rewinds are those of the service's state folder.
func (sh *shelf) rewinds() restores.Rewinds { return restores.Rewinds{StateDir: sh.StateDir} }

type rewindPlace struct {
	rewind.Place
	end func()
}

// onConn calls do with a connection to the service's server.
func (sh *shelf) onConn(ctx context.Context, do func(*sql.Conn) error) error {
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return err
	}
	db, err := mysql.Open(ctx, target, sh.Service.Database.Name)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return mysql.Explain(err, target)
	}
	defer conn.Close()
	return do(conn)
}

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
		if key := rewind.TypedKey(p, r); r.State != binlog.Clean && trace.Empty() && key != "" {
			trace = lang.M("find when such a row was changed, and in which transaction: opsdeck audit changes --table %s "+
				"--key %s", human.Shell(r.Table), human.Shell(key))
		}
		t.Rows = append(
			t.Rows,
			[]string{
				termsafe.Line(r.Table),
				termsafe.Line(keyText(p.Key(r))),
				sh.lang.Msg(verbLabel(r.Undo())),
				sh.lang.Msg(stateLabel(p, r.State)),
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
	sh.say(
		lang.M(
			"%s rows, %s of them changed or deleted since",
			human.Count(int64(p.Len())),
			human.Count(int64(p.Conflicts())),
		),
	)
	if !trace.Empty() {
		sh.say(trace)
	}
	sh.warnRewind(p)
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
}

// rewindJSON prints a plan as it is read.
func (sh *shelf) rewindJSON(ctx context.Context, p *rewind.Plan, choice rewind.Choice) error {
	hash, err := p.Hash()
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
					Now: p.Named(r.Table, r.Now), Then: p.Named(r.Table, r.Before)})
			})
		}},
		jsonout.Part{Key: "conflicts", Value: p.Conflicts()},
		jsonout.Part{Key: "triggers", Value: append([]string{}, p.Triggers...)},
		jsonout.Part{Key: "cascades", Value: append([]string{}, p.Cascades...)},
		jsonout.Part{Key: "users", Value: append([]string{}, p.Users...)},
		jsonout.Part{Key: "users_unread", Value: append([]string{}, p.Unread...)},
		jsonout.Part{Key: "users_hidden", Value: p.Blind},
		jsonout.Part{Key: "without_key", Value: append([]string{}, p.Bare...)},
		jsonout.Part{Key: "columns", Value: append([]rewind.ColumnNote{}, p.Columns...)},
	)
}

// errEnough ends a walk through rows.
var errEnough = errors.New("enough")

// warnRewind says what happens beside the rows.
func (sh *shelf) warnRewind(p *rewind.Plan) {
	for _, n := range p.Columns {
		sh.note(columnNote(n))
	}
	if len(p.Bare) > 0 {
		sh.note(lang.M("these tables have no primary key: %s. Their rows are found by all their values, which reads "+
			"the whole table for each row that is deleted and locks it until the end; of equal rows, any one is taken",
			strings.Join(p.Bare, ", ")))
	}
	if len(p.Triggers) > 0 {
		sh.note(lang.M("triggers of these tables will fire: %s. The rows of this plan end as planned, and rows that "+
			"triggers add under new AUTO_INCREMENT keys are removed; check what else the triggers do",
			strings.Join(p.Triggers, ", ")))
	}
	if len(p.Cascades) > 0 {
		sh.note(
			lang.M(
				"rows changed through a foreign key are not in the log and are not restored: check %s",
				strings.Join(p.Cascades, ", "),
			),
		)
	}
	if len(p.Users) > 0 {
		sh.note(
			lang.M(
				"rows to which rows of these tables refer are not deleted: %s; to delete them, first delete what "+
					"refers to them",
				strings.Join(p.Users, ", "),
			),
		)
	}
	if len(p.Unread) > 0 {
		sh.note(lang.M("rows of these tables may refer to rows that would be deleted, and this user cannot read "+
			"them: %s. Those rows are not deleted; run it with an account that can", strings.Join(p.Unread, ", ")))
	}
	if p.Blind {
		sh.note(lang.M("this user cannot see whether rows of other databases refer to rows that would be deleted. " +
			"Those rows are not deleted; run it with an account that has PROCESS"))
	}
}

// columnNote says what becomes of the values of a column that is not as it was.
func columnNote(n rewind.ColumnNote) lang.Msg {
	name := n.Table + "." + n.Column
	switch n.Fate {
	case history.Added:
		return lang.M("%s was added since: rows that are inserted again get its default", name)
	case history.Renamed:
		return lang.M("%s was called %s then; its values are the same", name, n.Was)
	}
	return lang.M("%s was %s then and is %s now; its values are kept exactly", name, n.Was, n.Now)
}

func keyText(key map[string]any) string {
	var parts []string
	for _, name := range sortedNames(key) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, key[name]))
	}
	return strings.Join(parts, ", ")
}

func verbLabel(v binlog.Verb) lang.Msg {
	switch v {
	case binlog.Insert:
		return lang.M("insert again")
	case binlog.Delete:
		return lang.M("delete")
	}
	return lang.M("revert")
}

func stateLabel(p *rewind.Plan, s binlog.State) lang.Msg {
	switch s {
	case binlog.Changed:
		return lang.M("changed since")
	case binlog.Gone:
		return lang.M("deleted since")
	case binlog.Used:
		if p.Blind || len(p.Unread) > 0 {
			return lang.M("other rows may refer to it")
		}
		return lang.M("other rows refer to it")
	}
	return lang.M("unchanged")
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
