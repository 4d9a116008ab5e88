package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/site/backups"
)

type auditChangesCmd struct {
	Table    string `placeholder:"T" help:"Only changes of this table."`
	Key      string `placeholder:"K" help:"Changes of the row with this primary key; a,b for two columns. Needs --table."`
	Since    string `placeholder:"T" help:"From this time on: 24h ago, 2026-01-29, 2026-01-29T10:30, yesterday 14:00, monday."`
	Until    string `placeholder:"T" help:"Before this time; a day or month is included whole."`
	Kind     string `placeholder:"insert|update|delete|ddl" enum:",insert,update,delete,ddl" default:"" help:"Only transactions with this kind of change: insert, update, delete or ddl."`
	RowsOver int64  `placeholder:"N" help:"Only transactions that changed more rows than this."`
	Limit    int    `default:"100" placeholder:"N" help:"At most this many, the newest; 0 for all."`
	Largest  bool   `help:"Transactions with the most changed rows first, instead of the newest."`
	JSON     bool   `name:"json" help:"Print NDJSON."`
}

// txnJSON is one transaction.
type txnJSON struct {
	ID        string               `json:"id"`
	Time      time.Time            `json:"time"`
	GTID      string               `json:"gtid"`
	File      string               `json:"file"`
	Pos       uint64               `json:"pos"`
	Tables    []binlog.TableChange `json:"tables"`
	Rows      *int64               `json:"rows"` // null: it has statements, whose rows are not in the log
	SizeBytes int64                `json:"size_bytes"`
	Thread    uint32               `json:"thread"`
	Query     string               `json:"query"`
	DDL       []string             `json:"ddl,omitempty"`
	// of the statement format: their rows are not in the log
	Other    []string `json:"statements,omitempty"`
	Unsure   bool     `json:"unsure,omitempty"`   // with --key: whether it changed the row is not known
	Prepared string   `json:"prepared,omitempty"` // the XA transaction of which this is the first part
}

// Run lists transactions, the newest first.
func (c *auditChangesCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	q, err := c.query(ctx, sh)
	if err != nil {
		return err
	}
	src, err := sh.Binlog().OpenChanges(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	if c.JSON {
		n := 0
		err = src.List(ctx, q, func(t *binlog.Transaction) error {
			n++
			return a.ndjson(changeOf(t))
		})
		if err == nil && n == 0 {
			return c.known(ctx, sh)
		}
		return sh.changesError(err, q.Table)
	}
	var found []*binlog.Transaction
	err = src.List(ctx, q, func(t *binlog.Transaction) error {
		found = append(found, t)
		return nil
	})
	if err != nil {
		if errors.Is(err, binarchive.ErrDamaged) && len(found) > 0 {
			sh.sayChanges(found) // without those of the damaged file
		}
		return sh.changesError(err, q.Table)
	}
	if len(found) == 0 {
		if err := c.known(ctx, sh); err != nil {
			return err
		}
	}
	sh.sayChanges(found)
	if q.Largest && len(found) > 0 && found[0].RowsUnknown() {
		sh.note(lang.M("the log does not tell how many rows a transaction marked with ? or + changed: those are first"))
	}
	if q.Key != nil {
		if m := sh.rewinder().Unlogged(ctx, q.Table); !m.Empty() {
			sh.note(m)
		}
	}
	return nil
}

// known refuses a table of which the log tells nothing, if it does not exist either.
func (c *auditChangesCmd) known(ctx context.Context, sh *shelf) error {
	if c.Table == "" {
		return nil
	}
	own := sh.Service.Database.Name
	in, name, _ := splitTable(c.Table, own)
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return err
	}
	none, err := mysql.MissingTable(ctx, target, cmp.Or(in, own), name)
	if err == nil && none != "" { // a server that does not answer does not tell
		return ops.E(ops.Usage, lang.M("there is no table %s, and the log has no change of it", none))
	}
	return nil
}

func (sh *shelf) changesError(err error, table string) error {
	var known *ops.Error
	if err = backups.TraceError(err, table); errors.As(err, &known) {
		return err
	}
	return sh.Binlog().ChangesError(err)
}

func (c *auditChangesCmd) query(ctx context.Context, sh *shelf) (changes.Query, error) {
	q := changes.Query{Query: binlog.Query{Limit: c.Limit, Largest: c.Largest}}
	if c.Limit < 0 {
		return q, errNoRows
	}
	filter, err := auditFilter{Since: c.Since, Until: c.Until}.parse(sh.app, &audit.Layout{}, nil)
	if err != nil {
		return q, err
	}
	q.Filter = binlog.Filter{
		Schema:   sh.Service.Database.Name,
		Table:    c.Table,
		Kind:     binlog.Verb(c.Kind),
		RowsOver: c.RowsOver,
		Since:    filter.Since,
		Until:    filter.Until,
	}
	in, name, ok := splitTable(c.Table, sh.Service.Database.Name)
	switch {
	case c.Table != "" && !ok:
		return q, ops.E(ops.Usage, lang.M("%s is not a table of the database %s", c.Table, sh.Service.Database.Name))
	case in != "":
		q.Table = in + "." + name
	case c.Table != "" && (!strings.Contains(name, ".") || name != c.Table):
		q.Table = sh.Service.Database.Name + "." + name
	}
	if c.Key == "" {
		return q, nil
	}
	if c.Table == "" {
		return q, ops.E(ops.Usage, lang.M("--key needs --table: a key belongs to one table"))
	}
	q.Key = binlog.SplitKey(c.Key)
	q.Now, err = sh.rewinder().TableNow(ctx, name)
	return q, err
}

func changeOf(t *binlog.Transaction) txnJSON {
	j := txnJSON{
		ID:        t.ID,
		Time:      t.Time,
		GTID:      t.GTID,
		File:      t.File,
		Pos:       t.Pos,
		Tables:    t.Tables,
		SizeBytes: t.Size,
		Thread:    t.Thread,
		Query:     t.Query,
		Unsure:    t.Unsure,
	}
	if n := t.Rows(); !t.RowsUnknown() {
		j.Rows = &n
	}
	for _, s := range t.DDL {
		j.DDL = append(j.DDL, s.SQL)
	}
	for _, s := range t.Other {
		j.Other = append(j.Other, s.SQL)
	}
	if t.Unfinished {
		j.Prepared = t.XA
	}
	return j
}

func (sh *shelf) sayChanges(found []*binlog.Transaction) {
	if len(found) == 0 {
		sh.note(lang.M("no transactions"))
		return
	}
	head := []string{sh.lang.T("time"), sh.lang.T("id"), sh.lang.T("rows"), sh.lang.T("size"), sh.lang.T("change")}
	t := cells.Table{Head: head, Right: []int{2, 3}, Max: sh.width()}
	for _, tx := range found {
		t.Rows = append(
			t.Rows,
			[]string{
				sh.when(tx.Time),
				termsafe.Line(tx.ID),
				tx.RowsShown(),
				human.Bytes(tx.Size),
				termsafe.Line(changeBrief(tx)) + sh.doubt(tx),
			},
		)
	}
	fmt.Fprint(sh.out, t)
	if slices.ContainsFunc(found, func(tx *binlog.Transaction) bool { return tx.Unsure }) {
		sh.note(lang.M("a transaction marked with ? changed the table, but the log does not tell whether it changed " +
			"this row"))
	}
}

// doubt is what a reader must know of a transaction before believing it.
func (sh *shelf) doubt(t *binlog.Transaction) (text string) {
	if t.Unfinished {
		text += "  (" + sh.lang.T("prepared, not committed") + ")"
	}
	if t.RolledBack {
		text += "  (" + sh.lang.T("rolled back") + ")"
	}
	if t.Unsure {
		text += "  ?"
	}
	return text
}

// changeBrief is what a transaction did, in a line: "orders -3 ~1, customers +2".
func changeBrief(t *binlog.Transaction) string {
	var parts []string
	for _, c := range t.Tables {
		part := c.Table
		for _, n := range []struct {
			sign string
			rows int64
		}{{"+", c.Inserted}, {"~", c.Updated}, {"-", c.Deleted}} {
			if n.rows > 0 {
				part += " " + n.sign + human.Count(n.rows)
			}
		}
		parts = append(parts, part)
	}
	for _, s := range append(t.DDL, t.Other...) {
		parts = append(parts, strings.Join(strings.Fields(s.SQL), " "))
	}
	return strings.Join(parts, ", ")
}
