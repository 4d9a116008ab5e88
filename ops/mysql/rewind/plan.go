package rewind

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/schema"
)

// Row is one row of a plan.
type Row struct {
	binlog.NetRow
	State binlog.State
	Now   []binlog.Value // nil: not there
	held  bool           // rows outside of the plan refer to it
}

// Plan is what taking a transaction back would do.
type Plan struct {
	Txn      *binlog.Transaction
	Database string
	Rows     []Row
	Triggers []string // tables whose triggers fire
	Cascades []string // tables whose rows a foreign key may have changed, which the log does not say
	Users    []string // tables with rows that refer to rows which would be deleted
	tables   map[string]*table
	keys     []foreignKey
	grown    []grown // tables that the triggers may add rows to
	loose    bool    // its rows refer to one another in a circle

	// Columns tells of each column of its tables that is not as the transaction found it.
	Columns []ColumnNote
}

// Conflicts is how many rows are not as the transaction left them.
func (p *Plan) Conflicts() (n int) {
	for _, r := range p.Rows {
		if r.State != binlog.Clean {
			n++
		}
	}
	return n
}

// Hash names the plan: what was shown is what may run.
func (p *Plan) Hash() string {
	h := sha256.New()
	buf := appendText(nil, p.Txn.ID)
	for i := range p.Rows {
		r := &p.Rows[i]
		buf = appendText(appendText(buf, r.Table), string(r.State))
		buf = appendImage(appendImage(buf, r.Before), r.Now)
		if len(buf) > 64<<10 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	return hex.EncodeToString(h.Sum(nil))
}

// Reasons why a transaction cannot be taken back.
var (
	ErrDefinition = errors.New("a statement that changes definitions has no inverse")
	ErrStatements = errors.New("the log has statements in place of rows: what they changed is not in it")
	ErrNothing    = errors.New("the transaction changed no row of this database")
	ErrKey        = errors.New("the key does not have as many values as the table's primary key has columns")
	ErrPrepared   = errors.New("the transaction is the first part of an XA transaction, or was rolled back")
)

// session makes a connection read and write what the log's values mean.
func session(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(
		ctx,
		"SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
	)
	return err
}

// Request is what to take back.
type Request struct {
	Txns  []string // ids of transactions, in any order
	Table string   // only what they did to this table; "" for all
	Key   []string // only the row with this primary key of the table; nil for all
}

// Make plans to take transactions back: what became of each row over all of them.
func Make(ctx context.Context, src *changes.Source, c *sql.Conn, database string, r Request) (*Plan, error) {
	if err := session(ctx, c); err != nil {
		return nil, err
	}
	txns, err := src.LocateAll(ctx, r.Txns)
	if err != nil {
		return nil, err
	}
	for _, t := range txns {
		if err := undoable(t, database, r.Table); err != nil {
			return nil, fmt.Errorf("%s: %w", t.ID, err)
		}
	}
	p := &Plan{Txn: together(txns), Database: database}
	if err := p.readTables(ctx, c, r.Table); err != nil {
		return nil, err
	}
	if r.Key != nil && len(p.tables[r.Table].key) != len(r.Key) {
		return nil, fmt.Errorf("%s: %w", r.Table, ErrKey)
	}
	if err := readPasts(ctx, p, src); err != nil {
		return nil, err
	}
	net := binlog.Net{}
	for _, t := range txns {
		last := logged{ctx: ctx, id: t.ID}
		_, err := src.Rows(ctx, t.ID, func(change binlog.RowChange) error {
			if change.Table.Schema != database || r.Table != "" && change.Table.Name != r.Table {
				return nil
			}
			return p.add(&net, &last, change, r.Key)
		})
		if err != nil {
			return nil, err
		}
	}
	rows := net.Rows()
	net = binlog.Net{}
	p.Rows = make([]Row, len(rows))
	for i, row := range rows {
		p.Rows[i].NetRow = row
	}
	if len(p.Rows) == 0 {
		return nil, ErrNothing
	}
	return p, p.judge(ctx, c)
}

// together is the summary of several transactions as one; its id names them all.
func together(txns []*binlog.Transaction) *binlog.Transaction {
	if len(txns) == 1 {
		return txns[0]
	}
	all := *txns[0]
	all.Tables = nil
	var ids []string
	for _, t := range txns {
		ids = append(ids, t.ID)
		for _, c := range t.Tables {
			sum := all.Count(c.Schema, c.Table)
			sum.Inserted += c.Inserted
			sum.Updated += c.Updated
			sum.Deleted += c.Deleted
		}
	}
	all.ID = strings.Join(ids, ",")
	return &all
}

// undoable refuses what has no inverse.
func undoable(t *binlog.Transaction, database, only string) error {
	of := func(s binlog.Statement) bool {
		return (s.Schema == database || binlog.Mentions(s.SQL, database)) &&
			(only == "" || binlog.Mentions(s.SQL, only))
	}
	switch {
	case t.Unfinished || t.RolledBack:
		return ErrPrepared
	case slices.ContainsFunc(t.DDL, of):
		return ErrDefinition
	case slices.ContainsFunc(t.Other, of):
		return ErrStatements
	}
	for _, c := range t.Tables {
		if c.Schema == database && (only == "" || c.Table == only) {
			return nil
		}
	}
	return ErrNothing
}

// readTables reads the tables of the transaction as they are today.
func (p *Plan) readTables(ctx context.Context, c *sql.Conn, only string) (err error) {
	p.tables = map[string]*table{}
	for _, t := range p.Txn.Tables {
		if t.Schema != p.Database || only != "" && t.Table != only {
			continue
		}
		found, err := schema.Tables(ctx, c, p.Database, t.Table)
		if err != nil {
			return err
		}
		p.tables[t.Table] = newTable(found[0])
	}
	if p.keys, err = foreignKeys(ctx, c, p.Database); err != nil {
		return err
	}
	for _, k := range p.keys {
		if t := p.tables[k.Table]; t != nil && k.Database == p.Database && k.Parent == k.Table {
			t.own = true
		}
	}
	return nil
}

// judge compares every row with what is there now, and finds what would happen beside them.
func (p *Plan) judge(ctx context.Context, c *sql.Conn) error {
	if err := p.compare(ctx, c, all, ""); err != nil {
		return err
	}
	if err := p.findUsers(ctx, c, ""); err != nil {
		return err
	}
	slices.Sort(p.Cascades)
	p.Cascades = slices.Compact(p.Cascades)
	if err := p.order(ctx, c); err != nil {
		return err
	}
	return p.findTriggers(ctx, c)
}

// logged is a table as a transaction's log tells of it, and how its rows become rows of
// today's table. A transaction says the same of it for row after row.
type logged struct {
	ctx    context.Context
	id     string // of the transaction
	from   *binlog.Table
	name   string
	fit    *history.Fit
	before []binlog.Value // the last images
	after  []binlog.Value
}

// know finds how a logged table became today's.
func (l *logged) know(p *Plan, from *binlog.Table, t *table) error {
	if l.from == from && l.name == from.Name {
		return nil
	}
	fit, err := t.past.FitAt(l.ctx, l.id, from)
	if err != nil {
		return err
	}
	for _, i := range t.key {
		if !fit.Has(i) {
			return &history.KeyError{Table: from.String()}
		}
	}
	l.from = from
	l.name = from.Name
	l.fit = fit
	noteColumns(p, t.Name, fit.Notes)
	return nil
}

// add takes one row change over.
func (p *Plan) add(net *binlog.Net, last *logged, change binlog.RowChange, key []string) (err error) {
	t := p.tables[change.Table.Name]
	if err := last.know(p, change.Table, t); err != nil {
		return err
	}
	if last.before, err = last.fit.Image(last.before, change.Before); err != nil {
		return err
	}
	if last.after, err = last.fit.Image(last.after, change.After); err != nil {
		return err
	}
	change.Before = last.before
	change.After = last.after
	for _, image := range [][]binlog.Value{change.Before, change.After} {
		for i := range image {
			if image[i].Absent && t.stores[i] && last.fit.Has(i) {
				return fmt.Errorf("%s.%s: %w", t.Name, t.Columns[i].Name, binlog.ErrPartial)
			}
		}
	}
	if key != nil && !t.hasKey(change.Before, key) && !t.hasKey(change.After, key) {
		return nil
	}
	p.noteCascades(t, change)
	return net.Add(change, t.key)
}

// all compares every row.
func all(*Row) bool { return true }

// absent tells whether a row is put in again as a whole: that it is not there is proved
// by putting it in.
func absent(r *Row) bool { return r.State == binlog.Clean && r.After == nil && r.Now == nil }

// compareRows is how many rows one question asks for.
const compareRows = 2000

// compare reads the rows that it is told to as they are now, some of a table at once.
func (p *Plan) compare(ctx context.Context, c *sql.Conn, which func(*Row) bool, lock string) error {
	some := map[string][]*Row{}
	for i := range p.Rows {
		r := &p.Rows[i]
		if !which(r) {
			continue
		}
		some[r.Table] = append(some[r.Table], r)
		if len(some[r.Table]) < compareRows {
			continue
		}
		if err := p.tables[r.Table].compare(ctx, c, some[r.Table], lock); err != nil {
			return err
		}
		some[r.Table] = some[r.Table][:0]
	}
	for name, rows := range some {
		if len(rows) == 0 {
			continue
		}
		if err := p.tables[name].compare(ctx, c, rows, lock); err != nil {
			return err
		}
	}
	return nil
}

// compare reads rows of one table as they are now.
func (t *table) compare(ctx context.Context, c schema.Querier, rows []*Row, lock string) error {
	found, err := t.read(ctx, c, rows, lock)
	if err != nil {
		return err
	}
	for _, r := range rows {
		r.Now, r.held = nil, false
		if len(found) > 0 {
			r.Now = found[t.keyOf(r.there())]
		}
		r.State = r.Compare(r.Now, t.same)
		if r.Mixed && r.State == binlog.Clean {
			r.State = binlog.Changed
		}
	}
	return nil
}

// hasKey tells whether a row has a primary key, as a person types it.
func (t *table) hasKey(row []binlog.Value, key []string) bool {
	if row == nil || len(t.key) != len(key) {
		return false
	}
	for at, i := range t.key {
		column := binlog.Column{Name: t.Columns[i].Name, Type: t.Columns[i].DataType, Signed: true}
		if !format.IsTyped(row[i], column, &t.Columns[i], key[at]) {
			return false
		}
	}
	return true
}

// there is the image by whose key the row is found now.
func (r *Row) there() []binlog.Value {
	if r.After != nil {
		return r.After
	}
	return r.Before
}

// Named is an image by its columns' names, as text; nil for no row.
func (p *Plan) Named(name string, image []binlog.Value) map[string]any {
	if image == nil {
		return nil
	}
	t := p.tables[name]
	out := map[string]any{}
	for i, v := range image {
		if !v.Absent {
			out[t.Columns[i].Name] = t.shown(i, v)
		}
	}
	return out
}

// Key is the key of a row by its columns' names.
func (p *Plan) Key(r *Row) map[string]any {
	t := p.tables[r.Table]
	out := map[string]any{}
	for _, i := range t.key {
		out[t.Columns[i].Name] = t.shown(i, r.there()[i])
	}
	return out
}

// shown is a value for people: bytes that are no text in hexadecimal.
func (t *table) shown(i int, v binlog.Value) any {
	switch {
	case v.Null:
		return nil
	case v.Kind == binlog.Binary || v.Kind == binlog.Bits:
		return "0x" + hex.EncodeToString(v.Text)
	}
	return strings.ToValidUTF8(string(v.Text), "\uFFFD")
}
