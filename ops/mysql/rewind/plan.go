package rewind

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops"
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
	at    int            // its entry
	copy  int32          // of a table without a key: how many equal rows must be there
}

// Plan is what taking a transaction back would do. Its rows are in a file; Close gives it
// back.
type Plan struct {
	Txn      *binlog.Transaction
	Database string
	Triggers []string // tables whose triggers fire
	Cascades []string // tables whose rows a foreign key may have changed, which the log does not say
	Users    []string // tables with rows that refer to rows which would be deleted
	Unread   []string // tables that may have such rows, which this user cannot read
	Blind    bool     // there may be more such tables: this user cannot see them
	Bare     []string // tables without a key, whose rows are found by all their values
	tables   map[string]*table
	keys     []foreignKey

	keysKnown bool    // keys has all of them
	grown     []grown // tables that the triggers may add rows to
	loose     bool    // its rows refer to one another in a circle
	stepwise  bool    // its rows take unique values from one another in a circle

	// Columns tells of each column of its tables that is not as the transaction found it.
	Columns []ColumnNote

	dir     string // where the rows are kept
	entries *entries
	rows    []uint32 // the entries that changed, in the order of the run
	hash    string   // "" after a row of it changed
	packet  int64    // max_allowed_packet, in bytes
	changes func(ctx context.Context, take changed) error
	source  *changes.Source // of the transactions; nil for a plan made of an inverse
	// Txns are the transactions that the plan takes back, in log order; none for a plan made of an
	// inverse.
	Txns []*binlog.Transaction
	tell func(ops.Progress)
}

// changed takes one row change as images of today's table, valid until it returns.
type changed func(t *table, before, after []binlog.Value) error

// Close gives the file of the rows back.
func (p *Plan) Close() error {
	if p == nil || p.entries == nil {
		return nil
	}
	return p.entries.spool.Close()
}

// Len is how many rows the plan has.
func (p *Plan) Len() int { return len(p.rows) }

// Each calls take with the rows, in the order of the run.
func (p *Plan) Each(take func(*Row) error) error {
	for _, i := range p.rows {
		r, err := p.load(int(i))
		if err == nil {
			err = take(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// load is the row of an entry with its images.
func (p *Plan) load(i int) (r *Row, err error) {
	e := p.entries.at(i)
	r = &Row{State: states[e.state], held: e.flags&isHeld != 0, at: i, copy: e.copy}
	r.Table = p.entries.tables[e.table].Name
	r.Mixed = e.flags&isMixed != 0
	if r.Before, err = p.entries.spool.get(e.before); err != nil {
		return nil, err
	}
	if r.After, err = p.entries.spool.get(e.after); err != nil {
		return nil, err
	}
	if e.now == e.after {
		r.Now = r.After
		return r, nil
	}
	r.Now, err = p.entries.spool.get(e.now)
	return r, err
}

// store keeps what a comparison found of a row.
func (p *Plan) store(r *Row) (err error) {
	p.hash = ""
	e := p.entries.at(r.at)
	e.state = uint8(slices.Index(states[:], r.State))
	e.flags &^= isHeld
	if r.held {
		e.flags |= isHeld
	}
	switch {
	case r.Now == nil:
		e.now = none
	case e.after != none && identical(r.Now, r.After):
		e.now = e.after
	default:
		if was, err := p.entries.spool.get(e.now); err != nil || was != nil && identical(r.Now, was) {
			return err
		}
		e.now, err = p.entries.spool.put(r.Now)
	}
	return err
}

// identical tells whether two images are kept as the same bytes.
func identical(a, b []binlog.Value) bool {
	return slices.EqualFunc(a, b, func(x, y binlog.Value) bool {
		return x.Kind == y.Kind && x.Null == y.Null && x.Absent == y.Absent &&
			bytes.Equal(x.Text, y.Text) && bytes.Equal(x.Exact, y.Exact)
	})
}

// Conflicts is how many rows are not as the transaction left them.
func (p *Plan) Conflicts() int {
	return count(p, func(s binlog.State) bool { return s != binlog.Clean })
}

// Used is how many rows of a plan would be deleted, but other rows refer to them.
func Used(p *Plan) int { return count(p, func(s binlog.State) bool { return s == binlog.Used }) }

func count(p *Plan, which func(binlog.State) bool) (n int) {
	for _, i := range p.rows {
		if which(states[p.entries.at(int(i)).state]) {
			n++
		}
	}
	return n
}

// Hash names the plan: what was shown is what may run.
func (p *Plan) Hash() (string, error) {
	if p.hash != "" {
		return p.hash, nil
	}
	h := sha256.New()
	buf := appendText(nil, p.Txn.ID)
	err := p.Each(func(r *Row) error {
		buf = appendText(appendText(buf, r.Table), string(r.State))
		buf = appendImage(appendImage(buf, r.Before), r.Now)
		if len(buf) > 64<<10 {
			h.Write(buf)
			buf = buf[:0]
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	h.Write(buf)
	p.hash = hex.EncodeToString(h.Sum(nil))
	return p.hash, nil
}

// Reasons why a transaction cannot be taken back.
var (
	ErrDefinition = errors.New("a statement that changes definitions has no inverse")
	ErrStatements = errors.New("the log has statements in place of rows: what they changed is not in it")
	ErrNothing    = errors.New("the transaction changed no row of this database")
	ErrKey        = errors.New("the key does not have as many values as the table's primary key has columns")
	ErrPrepared   = errors.New("the transaction is the first part of an XA transaction, or was rolled back")
	ErrEngine     = errors.New("the table's engine has no transactions: what fails halfway could not be taken back")
	ErrJSON       = errors.New("a JSON document holds a value of a type that SQL cannot write")
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
	Place
}

// Place is where a plan keeps its rows, and whom it tells how far it is.
type Place struct {
	Dir  string             // an existing folder; "" for the system's own for temporary files
	Tell func(ops.Progress) // nil for nobody
}

// Make plans to take transactions back: what became of each row over all of them. The plan
// reads the source until it is closed.
func Make(
	ctx context.Context,
	src *changes.Source,
	c *sql.Conn,
	database string,
	r Request,
) (plan *Plan, err error) {
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
	p, err := newPlan(together(txns), database, r.Place)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := p.readTables(ctx, c, r.Table); err != nil {
		return nil, err
	}
	if r.Key != nil && (p.tables[r.Table].bare || len(p.tables[r.Table].key) != len(r.Key)) {
		return nil, fmt.Errorf("%s: %w", r.Table, ErrKey)
	}
	if err := readPasts(ctx, p, src); err != nil {
		return nil, err
	}
	p.source = src
	p.Txns = txns
	p.changes = func(ctx context.Context, take changed) error {
		return p.logged(ctx, src, txns, r, take)
	}
	return p, p.sumUp(ctx, c)
}

func newPlan(t *binlog.Transaction, database string, at Place) (*Plan, error) {
	spool, err := newSpool(at.Dir)
	if err != nil {
		return nil, err
	}
	return &Plan{Txn: t, Database: database, dir: at.Dir, entries: newEntries(spool), tell: at.Tell}, nil
}

// logged calls take with the changes of transactions that a request names, as the log has
// them.
func (p *Plan) logged(
	ctx context.Context,
	src *changes.Source,
	txns []*binlog.Transaction,
	r Request,
	take changed,
) error {
	for _, t := range txns {
		last := logged{ctx: ctx, id: t.ID}
		_, err := src.Rows(ctx, t.ID, func(change binlog.RowChange) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if change.Table.Schema != p.Database || p.tables[change.Table.Name] == nil {
				return nil
			}
			return p.take(&last, change, r.Key, take)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sumUp makes the rows of the plan of its changes, and compares them with what is there now.
func (p *Plan) sumUp(ctx context.Context, c *sql.Conn) error {
	told := p.begin("read", p.total())
	err := p.changes(ctx, func(t *table, before, after []binlog.Value) error {
		told.add(1)
		return p.entries.add(t, before, after)
	})
	if err != nil {
		return err
	}
	if p.rows = p.entries.net(); len(p.rows) == 0 {
		return ErrNothing
	}
	return p.judge(ctx, c)
}

// total is how many row changes the plan reads, as far as the summaries tell.
func (p *Plan) total() (n int64) {
	for _, c := range p.Txn.Tables {
		if c.Schema == p.Database && p.tables[c.Table] != nil {
			n += c.Rows()
		}
	}
	return n
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

// readTables reads the tables of the transaction as they are today. A sequence's numbers are
// not given back: another session may have the next one.
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
		own := newTable(found[0])
		switch {
		case own.Sequence:
			continue
		case !own.Transactional():
			return fmt.Errorf("%s (%s): %w", own.SQLName(), own.Engine, ErrEngine)
		case own.bare && (own.json || len(own.key) == 0):
			return noKey(own)
		case own.bare:
			p.Bare = append(p.Bare, t.Table)
		}
		p.tables[t.Table] = own
	}
	if len(p.tables) == 0 {
		return ErrNothing
	}
	if p.keys, p.keysKnown, err = foreignKeys(ctx, c, p.Database); err != nil {
		return err
	}
	for _, k := range p.keys {
		if t := p.tables[k.Table]; t != nil && k.Database == p.Database && k.Parent == k.Table {
			t.own = true
		}
		if t := p.tables[k.Parent]; t != nil && t.bare {
			return noKey(t)
		}
	}
	return nil
}

// judge compares every row with what is there now, and finds what would happen beside them.
func (p *Plan) judge(ctx context.Context, c *sql.Conn) error {
	if err := p.sought(); err != nil {
		return err
	}
	if err := p.compare(ctx, c, all, ""); err != nil {
		return err
	}
	if err := (using{p}).findUsers(ctx, c, ""); err != nil {
		return err
	}
	slices.Sort(p.Cascades)
	p.Cascades = slices.Compact(p.Cascades)
	if err := (ordering{p}).order(ctx, c); err != nil {
		return err
	}
	if err := (firing{p}).findTriggers(ctx, c); err != nil {
		return err
	}
	return p.fit(ctx, c)
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
		switch {
		case !fit.Has(i) && t.bare:
			return noKey(t)
		case !fit.Has(i):
			return &history.KeyError{Table: from.String()}
		}
	}
	l.from = from
	l.name = from.Name
	l.fit = fit
	noteColumns(p, t.Name, fit.Notes)
	return nil
}

// take calls take with one row change of the log as images of today's table.
func (p *Plan) take(last *logged, change binlog.RowChange, key []string, take changed) (err error) {
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
		if err := t.checkImage(image, last.fit); err != nil {
			return err
		}
	}
	if t.period {
		change.Before, change.After = format.Current(t.Table, change.Before), format.Current(t.Table, change.After)
		if change.Before == nil && change.After == nil {
			return nil
		}
	}
	if key != nil && !t.hasKey(change.Before, key) && !t.hasKey(change.After, key) {
		return nil
	}
	p.noteCascades(t, change)
	return take(t, change.Before, change.After)
}

// there is the image by whose key the row is found now.
func (r *Row) there() []binlog.Value {
	if r.After != nil {
		return r.After
	}
	return r.Before
}
