package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/rewind"
)

// onPlan makes a plan and calls do with it.
func (sh *shelf) onPlan(ctx context.Context, want rewind.Request, do func(*sql.Conn, *rewind.Plan) error) error {
	src, err := sh.Binlog().OpenChanges(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	return sh.onConn(ctx, func(conn *sql.Conn) error {
		plan, err := rewind.Make(ctx, src, conn, sh.Service.Database.Name, want)
		if err != nil {
			return sh.notUndone(ctx, src, want, err)
		}
		return do(conn, plan)
	})
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

func (sh *shelf) sayRewind(p *rewind.Plan) {
	t := cells.Table{
		Head: []string{sh.lang.T("table"), sh.lang.T("key"), sh.lang.T("action"), sh.lang.T("state")},
		Max:  sh.width(),
	}
	for i := range p.Rows[:min(len(p.Rows), mostShown)] {
		r := &p.Rows[i]
		t.Rows = append(
			t.Rows,
			[]string{
				termsafe.Line(r.Table),
				termsafe.Line(keyText(p.Key(r))),
				sh.lang.Msg(verbLabel(r.Undo())),
				sh.lang.Msg(stateLabel(r.State)),
			},
		)
	}
	fmt.Fprint(sh.out, t)
	if more := len(p.Rows) - mostShown; more > 0 {
		sh.say(lang.M("and %s more rows; --json prints them all", human.Count(int64(more))))
	}
	sh.say(
		lang.M(
			"%s rows, %s of them changed or deleted since",
			human.Count(int64(len(p.Rows))),
			human.Count(int64(p.Conflicts())),
		),
	)
	sh.warnRewind(p)
}

// warnRewind says what happens beside the rows.
func (sh *shelf) warnRewind(p *rewind.Plan) {
	for _, n := range p.Columns {
		sh.note(columnNote(n))
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

func stateLabel(s binlog.State) lang.Msg {
	switch s {
	case binlog.Changed:
		return lang.M("changed since")
	case binlog.Gone:
		return lang.M("deleted since")
	case binlog.Used:
		return lang.M("other rows refer to it")
	}
	return lang.M("unchanged")
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
