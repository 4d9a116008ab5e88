package restores

import (
	"context"
	"errors"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Error makes a sentence of why a transaction is not taken back.
func (r Rewinder) Error(err error) error {
	var refused *rewind.RefusedError
	switch {
	case errors.Is(err, rewind.ErrConflicts):
		return ops.Wrap(err, ops.Failed, lang.M("some rows were changed after the transaction; nothing was done")).
			WithHint(lang.M("list them with --plan, then choose with --conflicts skip or --conflicts overwrite"))
	case errors.Is(err, rewind.ErrChanged):
		return ops.Wrap(err, ops.Busy, lang.M("rows changed since the plan was made; nothing was done")).
			WithHint(lang.M("make the plan again"))
	case errors.Is(err, rewind.ErrUnproved):
		return ops.Wrap(err, ops.Failed, lang.M("the rows did not come out as planned; nothing was done"))
	case errors.Is(err, rewind.ErrTriggers):
		return ops.Wrap(err, ops.Failed, lang.M("triggers change the rows of the plan again; nothing was done")).
			WithHint(lang.M("drop these triggers, do it again, then create the triggers again"))
	case errors.As(err, &refused) && refused.Orphans:
		return ops.Wrap(err, ops.Failed, lang.M("rows of %s refer to rows that are deleted now; nothing was done",
			refused.Table)).
			WithHint(lang.M("find the transaction that deleted them: opsdeck audit changes --kind delete; then undo " +
				"both together: --txn ID,ID"))
	case errors.As(err, &refused):
		return ops.Wrap(err, ops.Failed, lang.M("the keys of %s do not allow this; nothing was done", refused.Table)).
			WithHint(lang.M("list the changes since then: opsdeck audit changes --table %s; undo those that are in "+
				"the way together with it: --txn ID,ID", human.Shell(refused.Table)))
	case noInverse(err):
		return ops.Wrap(err, ops.Failed, notInverse(err)).
			WithHint(lang.M("a restore to just before it needs an earlier full backup: opsdeck backup list"))
	case errors.Is(err, rewind.ErrKey):
		return ops.Wrap(err, ops.Usage, lang.M("--where-key does not match the primary key of the table"))
	case errors.Is(err, rewind.ErrNothing):
		return ops.Wrap(err, ops.Usage, lang.M("nothing to undo"))
	case errors.Is(err, context.Canceled):
		return err
	}
	return r.Binlog().ChangesError(err)
}

// NotDone is Error for a plan that was carried out.
func (r Rewinder) NotDone(p *rewind.Plan, err error) error {
	said := r.Error(err)
	var known *ops.Error
	if errors.Is(err, rewind.ErrUnproved) && errors.As(said, &known) {
		return known.WithHint(lang.M("restore the rows from a backup: opsdeck restore --before %s --plan", p.Txn.ID))
	}
	return said
}

// notInverse says why a transaction cannot be undone by its rows.
func notInverse(err error) lang.Msg {
	var column *history.ColumnError
	var gone *schema.NoTableError
	switch {
	case errors.As(err, &gone):
		return lang.M("this transaction cannot be undone row by row: the table %s does not exist any more", gone.Name)
	case errors.Is(err, rewind.ErrSought):
		return lang.M("this transaction cannot be undone row by row: more than %s of its rows are in tables without a "+
			"primary key, and each would have to be searched for in the whole table", human.Count(rewind.MostSought))
	case !errors.As(err, &column):
		return lang.M("this transaction cannot be undone row by row")
	}
	name := column.Table + "." + column.Note.Column
	if column.Why == history.WasDropped {
		return lang.M("this transaction cannot be undone row by row: the column %s was dropped since", name)
	}
	return lang.M("this transaction cannot be undone row by row: the column %s was %s, and is %s now", name,
		column.Note.Was, column.Note.Now)
}

// noInverse tells that a transaction cannot be taken back by its rows.
func noInverse(err error) bool {
	var mismatch *reader.MismatchError
	var column *history.ColumnError
	var unknown *history.UnknownError
	var replaced *history.ReplacedError
	var key *history.KeyError
	var gone *schema.NoTableError
	return errors.Is(err, rewind.ErrDefinition) ||
		errors.Is(err, rewind.ErrStatements) ||
		errors.Is(err, binlog.ErrPartial) ||
		errors.Is(err, binlog.ErrNoKey) ||
		errors.Is(err, rewind.ErrPrepared) ||
		errors.Is(err, rewind.ErrEngine) ||
		errors.Is(err, rewind.ErrJSON) ||
		errors.Is(err, rewind.ErrSought) ||
		errors.As(err, &gone) ||
		errors.As(err, &column) ||
		errors.As(err, &unknown) ||
		errors.As(err, &replaced) ||
		errors.As(err, &key) ||
		errors.As(err, &mismatch)
}

// notUndone is Error; where a restore reaches the moment before the transactions,
// its next step is that restore.
func (r Rewinder) notUndone(ctx context.Context, src *changes.Source, want rewind.Request, err error) error {
	said := r.Error(err)
	var known *ops.Error
	if !noInverse(err) || !errors.As(said, &known) {
		return said
	}
	txns, e := src.LocateAll(ctx, want.Txns)
	if e != nil || len(txns) == 0 {
		return said
	}
	desk, e := Open(r.Site)
	if e != nil || (Page{Desk: desk}).CanRollTo(ctx, txns[0]) != nil {
		return said
	}
	id := txns[0].ID
	table := want.Table
	if changed := txns[0].Tables; len(txns) == 1 && len(changed) == 1 && changed[0].Schema == r.Service.Database.Name {
		table = changed[0].Table
	}
	if table == "" {
		return known.WithHint(lang.M("restore to just before it: opsdeck restore --before %s --plan", id))
	}
	return known.WithHint(lang.M("restore to just before it: opsdeck restore --before %s --plan; only the table %s: "+
		"opsdeck restore --before %s --tables %s --plan", id, table, id, table))
}

// ErrRewindPlan is for a plan that is no longer the one that was shown.
func ErrRewindPlan() error {
	return ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the plan differs from the one shown; nothing was "+
		"done")).
		WithHint(lang.M("show it again: opsdeck restore rewind --plan"))
}
