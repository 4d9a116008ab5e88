package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// restoreRewindCmd is `opsdeck restore rewind --txn ID`.
type restoreRewindCmd struct {
	Txn      []string `required:"" placeholder:"ID" help:"The transaction's id, from audit changes; separate several with commas."`
	Table    string   `placeholder:"T" help:"Only its changes to this table."`
	WhereKey string   `placeholder:"K" help:"Only the row with this primary key; a,b for two columns. Needs --table."`
	conflicts
	Plan     bool   `help:"Print the plan and do nothing."`
	DryRun   bool   `help:"The same as --plan."`
	PlanHash string `placeholder:"HASH" help:"Refuse if the plan does not have this hash."`
	Confirm  string `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// conflicts is the choice for rows that are not as the transaction left them.
type conflicts struct {
	Conflicts string `placeholder:"skip|overwrite" enum:",skip,overwrite" default:"" help:"What to do with rows that were changed since: skip or overwrite."`
}

type (
	rewindPlanJSON struct {
		Txn        string          `json:"txn"`
		Hash       string          `json:"hash"`
		Statements []string        `json:"statements"`
		Rows       []rewindRowJSON `json:"rows"`
		Conflicts  int             `json:"conflicts"`
		Triggers   []string        `json:"triggers"` // tables whose triggers fire
		Cascades   []string        `json:"cascades"` // tables that a foreign key may have changed, which the log does not say
		Users      []string        `json:"users"`    // tables with rows that refer to rows which would be deleted
	}
	rewindRowJSON struct {
		Table  string         `json:"table"`
		Key    map[string]any `json:"key"`
		Action binlog.Verb    `json:"action"`
		State  binlog.State   `json:"state"`
		Now    map[string]any `json:"now"`
		Then   map[string]any `json:"then"`
	}
	rewindDoneJSON struct {
		ID      string `json:"id"`
		Result  string `json:"result"`
		Txn     string `json:"txn"`
		Rows    int    `json:"rows"`
		Skipped int    `json:"skipped"`
	}
)

// Run plans, confirms and takes the transaction back.
func (c *restoreRewindCmd) Run(ctx context.Context, a *app) error {
	dry := c.Plan || c.DryRun
	want := rewind.Request{Txns: c.Txn, Table: c.Table}
	if c.WhereKey != "" {
		if c.Table == "" {
			return ops.E(ops.Usage, lang.M("--where-key needs --table: a key belongs to one table"))
		}
		want.Key = strings.Split(c.WhereKey, ",")
	}
	if err := a.mayChange(dry); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	return sh.onPlan(ctx, want, func(conn *sql.Conn, plan *rewind.Plan) error {
		if c.PlanHash != "" && c.PlanHash != plan.Hash() {
			return errRewindPlan()
		}
		if dry {
			return c.show(sh, plan)
		}
		return sh.rewind(ctx, conn, plan, rewind.Choice(c.Conflicts), c.Confirm, c.JSON)
	})
}

func errRewindPlan() error {
	return ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the plan differs from the one shown; nothing was "+
		"done")).
		WithHint(lang.M("show it again: opsdeck restore rewind --plan"))
}

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

// rewound plans to take a transaction back; with the plan's hash it does it.
func (sh *shelf) rewound(ctx context.Context, txn, hash, conflicts string) (r restore.Rewound, err error) {
	err = sh.onPlan(ctx, rewind.Request{Txns: []string{txn}}, func(conn *sql.Conn, p *rewind.Plan) error {
		r = restore.Rewound{Txn: txn, Hash: p.Hash(), Rows: len(p.Rows), Conflicts: p.Conflicts()}
		switch {
		case hash == "":
			sh.sayRewind(p)
			return nil
		case hash != r.Hash:
			return errRewindPlan()
		case r.Conflicts > 0 && conflicts == "":
			return sh.rewindError(rewind.ErrConflicts)
		}
		kept, done, err := sh.takeBack(ctx, conn, p, rewind.Choice(conflicts))
		if err != nil {
			return sh.rewindError(err)
		}
		r.ID = kept.ID
		r.Rows = len(done.Inverse)
		return nil
	})
	return r, err
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

func (c *restoreRewindCmd) show(sh *shelf, p *rewind.Plan) error {
	if c.JSON {
		doc := rewindPlanJSON{
			Txn:        p.Txn.ID,
			Hash:       p.Hash(),
			Statements: append([]string{}, p.Statements(rewind.Choice(c.Conflicts))...),
			Conflicts:  p.Conflicts(),
			Rows:       []rewindRowJSON{},
			Triggers:   append([]string{}, p.Triggers...),
			Cascades:   append([]string{}, p.Cascades...),
			Users:      append([]string{}, p.Users...),
		}
		for i := range p.Rows {
			r := &p.Rows[i]
			doc.Rows = append(doc.Rows, rewindRowJSON{Table: r.Table, Key: p.Key(r), Action: r.Undo(), State: r.State,
				Now: p.Named(r.Table, r.Now), Then: p.Named(r.Table, r.Before)})
		}
		return sh.json(doc)
	}
	sh.sayRewind(p)
	return nil
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

// rewind confirms a plan, carries it out and keeps its inverse.
func (sh *shelf) rewind(
	ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
	confirm string,
	json bool,
) error {
	if p.Conflicts() > 0 && choice == "" {
		return sh.rewindError(rewind.ErrConflicts)
	}
	if !json {
		sh.sayRewind(p)
	}
	name := sh.Service.Database.Name
	what := lang.M("The transaction %s will be undone in %s.", p.Txn.ID, name)
	if err := sh.confirm(ctx, name, confirm, what); err != nil {
		return err
	}
	kept, done, err := sh.takeBack(ctx, conn, p, choice)
	if err != nil {
		return sh.rewindError(err)
	}
	if json {
		return sh.json(
			rewindDoneJSON{
				ID:      kept.ID,
				Result:  "done",
				Txn:     p.Txn.ID,
				Rows:    len(done.Inverse),
				Skipped: done.Skipped,
			},
		)
	}
	sh.say(
		lang.M(
			"done: %s rows in one transaction; undo it: opsdeck restore undo %s",
			human.Count(int64(len(done.Inverse))),
			kept.ID,
		),
	)
	if done.Skipped > 0 {
		sh.say(lang.M("%s rows were not changed", human.Count(int64(done.Skipped))))
	}
	return nil
}

// takeBack carries a plan out under a new id.
func (sh *shelf) takeBack(
	ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
) (restores.Rewind, rewind.Done, error) {
	name := sh.Service.Database.Name
	kept := restores.Rewind{
		ID:       restores.RewindPrefix + restore.NewID(sh.clock.Now(), uint16(rand.Uint32())),
		Service:  sh.Service.Name,
		Database: name,
		Txn:      p.Txn.ID,
		At:       sh.clock.Now(),
		State:    restores.RewindPrepared,
	}
	done, err := sh.carryOut(ctx, conn, p, choice, kept)
	return kept, done, err
}
