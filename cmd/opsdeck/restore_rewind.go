package main

import (
	"context"

	"opsdeck/internal/lang"
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

// Run plans, confirms and takes the transaction back.
func (c *restoreRewindCmd) Run(ctx context.Context, a *app) error {
	dry := c.Plan || c.DryRun
	want := rewind.Request{Txns: c.Txn, Table: c.Table}
	if c.WhereKey != "" {
		if c.Table == "" {
			return ops.E(ops.Usage, lang.M("--where-key needs --table: a key belongs to one table"))
		}
		want.Key = binlog.SplitKey(c.WhereKey)
	}
	if err := a.mayChange(dry); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if want.Table, err = a.typedTable(ctx, c.Table); err != nil {
		return err
	}
	return sh.rewinder().OnPlan(ctx, want, func(conn *mysql.Conn, plan *rewind.Plan) error {
		hash, err := plan.Hash()
		if err != nil {
			return err
		}
		if c.PlanHash != "" && c.PlanHash != hash {
			return restores.ErrRewindPlan()
		}
		if dry {
			return c.show(ctx, sh, plan)
		}
		_, err = sh.rewind(ctx, conn, plan, rewind.Choice(c.Conflicts), c.Confirm, c.JSON)
		return err
	})
}

// rewound plans to take a transaction back; with the plan's hash it does it.
func (sh *shelf) rewound(ctx context.Context, txn, hash, conflicts string) (r restore.Rewound, err error) {
	want := rewind.Request{Txns: []string{txn}}
	err = sh.rewinder().OnPlan(ctx, want, func(conn *mysql.Conn, p *rewind.Plan) (err error) {
		r = restore.Rewound{Txn: txn, Rows: p.Len(), Conflicts: p.Conflicts(), Used: rewind.Used(p)}
		if r.Hash, err = p.Hash(); err != nil {
			return err
		}
		switch {
		case hash == "":
			return sh.sayRewind(p)
		case hash != r.Hash:
			return restores.ErrRewindPlan()
		case r.Conflicts > 0 && conflicts == "":
			return sh.rewinder().Error(rewind.ErrConflicts)
		}
		kept, done, err := sh.rewinder().TakeBack(ctx, conn, p, rewind.Choice(conflicts))
		if err != nil {
			return sh.rewinder().NotDone(p, err)
		}
		r.ID = kept.ID
		r.Rows = done.Changed
		return nil
	})
	return r, err
}

func (c *restoreRewindCmd) show(ctx context.Context, sh *shelf, p *rewind.Plan) error {
	if c.JSON {
		return sh.rewindJSON(ctx, p, rewind.Choice(c.Conflicts))
	}
	return sh.sayRewind(p)
}
