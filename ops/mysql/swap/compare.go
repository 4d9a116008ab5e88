package swap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"opsdeck/ops"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// rowReader reads the rows of a backup without a server. With a Loader that implements it,
// changes since a backup can be found row by row.
type rowReader interface {
	Records(ctx context.Context, j Job, w load.Wanted, each func(*load.Record) error) error
}

// mostRecords is the number of backup rows that are kept at a time, 48 bytes each; more
// rows are compared in several passes. Tests reduce it.
var mostRecords = 1_000_000

// errIncomparable reports that a table cannot be compared with the backup.
var errIncomparable = errors.New("the table cannot be compared with the backup row by row")

// found is the result of comparing a live table: the number of its rows that are not in
// the backup, and that differ from the backup.
type found struct {
	newer, changed int64
	gone           int64 // rows of the backup whose keys the live table lacks; counted if compare.gone
	absent         bool  // the backup does not have the table
	partly         bool  // not all columns could be compared
}

// rowSink receives the live rows that are not in the backup or differ from it.
type rowSink func(row []byte, changed bool) error

// compare compares a live table with the backup, row by row.
type compare struct {
	s      *differ
	job    Job
	gone   bool // count the rows of the backup that the live table lacks
	reader rowReader
	report run.Report

	mu     sync.Mutex
	ready  map[string]*side // of a dump without an index, read in one pass
	unread error            // the dump cannot be read
}

// comparer is nil if the backup's rows cannot be read from here.
func (r *differ) comparer(src restore.Source, report run.Report) *compare {
	reader, ok := r.loader.(rowReader)
	if !ok || src.Copy != "" || src.Path == "" {
		return nil
	}
	if report == nil {
		report = func(ops.Progress) {}
	}
	return &compare{s: r, job: Job{Path: src.Path, From: src.Database}, reader: reader, report: report}
}

// same reports, by checksum, whether a table holds exactly the rows of the backup.
func (r *differ) same(ctx context.Context, t *schema.Table, stored restore.SourceTable) (bool, error) {
	if stored.Checksum == "" || t.Versioned {
		return false, nil
	}
	c, err := r.reader(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	rows, sum, err := checksum.Table(ctx, c, t, false, nil)
	return err == nil && rows == stored.Rows && sum.String() == stored.Checksum, err
}

// elsewhere reports whether a table has no rows of its own: a restore loses none.
func elsewhere(t *schema.Table) bool { return !t.OwnRows() && !t.FilesOfItsOwn() }

// table compares one table and passes the differences to sink, which may be nil.
func (c *compare) table(ctx context.Context, t *schema.Table, sink rowSink) (f found, err error) {
	if t.Versioned || t.Sequence {
		return f, errIncomparable
	}
	if elsewhere(t) {
		return f, nil
	}
	for part, parts := 0, 1; part < parts; part++ {
		side := c.take(t.Name)
		if side == nil {
			side = newSide(t, part, parts)
			if err := side.read(ctx, c); err != nil {
				return f, err
			}
		}
		if side.canon == nil { // it has no rows in the backup
			side.canon = newCanon(t, load.RecordSession{Native: true}, columnNames(t))
		}
		f.absent = !side.made
		f.partly = !side.canon.whole()
		parts = side.parts
		if err := c.live(ctx, side, sink, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

// ahead reads several tables in one pass over a dump without an index. Tables that are too
// large, or cannot be compared, are left to table.
func (c *compare) ahead(ctx context.Context, list []*schema.Table) error {
	sides, total := map[string]*side{}, 0
	for _, t := range list {
		if !t.Versioned && !t.Sequence {
			sides[t.Name] = newSide(t, 0, 1)
			sides[t.Name].grow = false
		}
	}
	if len(sides) == 0 {
		return nil
	}
	tables := map[string]bool{}
	w := load.Wanted{
		From:   c.job.From,
		Also:   list[0].Database,
		Tables: tables,
		Table:  func(n string) bool { return sides[n] != nil },
	}
	err := c.reader.Records(ctx, c.job, w, func(r *load.Record) error {
		b := sides[r.Table]
		if b == nil {
			return nil
		}
		if err := b.take(r); err != nil || total >= mostRecords {
			total -= len(b.records)
			delete(sides, r.Table)
			return nil
		}
		total++
		return nil
	})
	if err != nil {
		return err
	}
	for name, b := range sides {
		b.made = b.made || tables[name]
		b.sort()
	}
	c.ready = sides
	return nil
}

func newSide(t *schema.Table, part, parts int) *side {
	return &side{t: t, part: part, parts: parts, grow: part == 0}
}

// take returns a table's side that was read ahead, once.
func (c *compare) take(name string) *side {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.ready[name]
	delete(c.ready, name)
	return b
}

func columnNames(t *schema.Table) (names []string) {
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// side is the backup's side of a comparison, or a part of it.
type side struct {
	t           *schema.Table
	part, parts int
	grow        bool // the number of parts is determined while reading
	made        bool // the backup creates or fills the table
	session     load.RecordSession
	names       []string
	canon       *canon
	places      []int
	values      [][]byte // of the current row
	records     []hashed
}

// read reads the table's rows from the backup.
func (b *side) read(ctx context.Context, c *compare) error {
	tables := map[string]bool{}
	w := load.Wanted{
		From:   c.job.From,
		Also:   b.t.Database,
		Tables: tables,
		Table:  func(n string) bool { return n == b.t.Name },
	}
	err := c.reader.Records(ctx, c.job, w, func(r *load.Record) error { return b.take(r) })
	if err != nil {
		return err
	}
	b.made = b.made || tables[b.t.Name]
	b.sort()
	return nil
}

// take handles a row of the backup.
func (b *side) take(r *load.Record) error {
	b.made = true
	if err := b.shape(r); err != nil {
		return err
	}
	if b.values == nil {
		b.values = make([][]byte, len(b.canon.columns))
	}
	if !b.canon.dumped(b.places, r.Values, b.values) {
		return errIncomparable
	}
	b.keep(b.canon.hash(b.values))
	return nil
}

// shape prepares for rows with the record's columns. All rows must have the same columns:
// otherwise their hashes are not comparable.
func (b *side) shape(r *load.Record) error {
	if b.canon == nil {
		b.session, b.names = r.Session, slices.Clone(r.Columns)
		b.canon = newCanon(b.t, r.Session, b.names)
		b.places = b.canon.places(b.names)
		for i, at := range b.places {
			b.canon.use[i] = b.canon.use[i] && at >= 0
		}
		if len(b.t.Key) > 0 && b.canon.key == nil || b.canon.nothing() {
			return errIncomparable
		}
		return nil
	}
	if r.Session != b.session || !slices.Equal(r.Columns, b.names) {
		return errIncomparable
	}
	return nil
}

// nothing reports that no column is compared.
func (c *canon) nothing() bool { return !slices.Contains(c.use, true) }

// keep stores a record that belongs to this part. If there are too many, the parts become
// smaller and more numerous.
func (b *side) keep(r hashed) {
	if !b.mine(r.key) {
		return
	}
	b.records = append(b.records, r)
	for b.grow && len(b.records) > mostRecords {
		b.parts *= 2
		b.records = slices.DeleteFunc(b.records, func(r hashed) bool { return !b.mine(r.key) })
	}
}

func (b *side) mine(key checksum.Sum) bool { return key.Lo%uint64(b.parts) == uint64(b.part) }

func order(a, b checksum.Sum) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

// sort merges equal records.
func (b *side) sort() {
	slices.SortFunc(b.records, func(x, y hashed) int { return cmp.Or(order(x.key, y.key), order(x.row, y.row)) })
	out := b.records[:0]
	for _, r := range b.records {
		if n := len(out); n > 0 && out[n-1].key == r.key && out[n-1].row == r.row {
			out[n-1].count++
			continue
		}
		out = append(out, r)
	}
	b.records = out
}

// count is the number of the backup's rows in this part.
func (b *side) count() (n int64) {
	for _, r := range b.records {
		n += int64(r.count)
	}
	return n
}

// find returns the records with a key.
func (b *side) find(key checksum.Sum) []hashed {
	from := sort.Search(len(b.records), func(i int) bool { return order(b.records[i].key, key) >= 0 })
	to := from
	for to < len(b.records) && b.records[to].key == key {
		to++
	}
	return b.records[from:to]
}

// live reads the live table and finds the rows that the backup does not have.
func (c *compare) live(ctx context.Context, b *side, sink rowSink, f *found) error {
	conn, err := c.s.reader(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := rowread.Query(ctx, conn, b.canon.columns, "FROM "+b.t.SQLName())
	if err != nil {
		return err
	}
	defer s.Close()
	values := make([][]byte, len(b.canon.columns))
	if c.gone {
		f.gone += b.count()
	}
	for rows := int64(1); s.Next(); rows++ {
		if rows&0x3fff == 0 {
			c.report(
				ops.Progress{
					Phase:    "compare",
					Object:   b.t.Name,
					Done:     rows,
					Total:    b.t.Rows,
					Unit:     "rows",
					Rows:     rows,
					Estimate: true,
				},
			)
		}
		if !b.canon.live(s.Row(), values) {
			return fmt.Errorf("compare %s: a row ends early", b.t.Name)
		}
		r := b.canon.hash(values)
		if !b.mine(r.key) {
			continue
		}
		differs, changed := b.judge(r)
		if c.gone && (!differs || changed) {
			f.gone--
		}
		if !differs {
			continue
		}
		if changed {
			f.changed++
		} else {
			f.newer++
		}
		if sink != nil {
			if err := sink(s.Row(), changed); err != nil {
				return err
			}
		}
	}
	return s.Err()
}

// judge reports whether a live row is missing in the backup, or differs from the row with
// the same key.
func (b *side) judge(r hashed) (differs, changed bool) {
	had := b.find(r.key)
	for i := range had {
		if had[i].row == r.row && (had[i].count > 0 || b.canon.key != nil) {
			had[i].count--
			return false, false
		}
	}
	return true, len(had) > 0 && b.canon.key != nil
}
