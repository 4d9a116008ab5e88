package changes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/schema"
)

// placed is where a group begins: in which piece, and where in it.
type placed struct {
	piece int
	pos   uint64
}

func (a placed) compare(b placed) int {
	return cmp.Or(cmp.Compare(a.piece, b.piece), cmp.Compare(a.pos, b.pos))
}

// definition is a statement of the log that may define a table.
type definition struct {
	history.Statement
	at placed
}

// Past is a table over the time of the log.
type Past struct {
	*history.Timeline
	src *Source
	at  []placed // of the timeline's statements
}

// Past follows a table through the log. today is nil if there is no such table any more.
func (s *Source) Past(ctx context.Context, database, table string, today *schema.Table) (*Past, error) {
	all, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	p := &Past{src: s}
	var statements []history.Statement
	for _, d := range all {
		if history.Concerns(d.Statement, database, table) {
			statements = append(statements, d.Statement)
			p.at = append(p.at, d.at)
		}
	}
	p.Timeline = history.New(database, table, today, statements)
	return p, nil
}

// empty reports whether no statement of the log concerns the table.
func (p *Past) empty() bool { return len(p.at) == 0 }

// before is the number of the table's statements before a place.
func (p *Past) before(at placed) int {
	return sort.Search(len(p.at), func(i int) bool { return p.at[i].compare(at) >= 0 })
}

// FitAt compares the table at a located transaction with today's.
func (p *Past) FitAt(ctx context.Context, id string, logged *binlog.Table) (*history.Fit, error) {
	t, from, err := p.src.locate(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.Timeline.Fit(p.before(placed{p.src.number(from), t.Pos}), logged)
}

// view is a logged table as a person knows it.
type view struct {
	table binlog.Table     // its columns with their names of that time, where they are known
	means []*schema.Column // what the values of each column mean; nil where that is not known
	key   []int            // the columns of the primary key; nil: not known, or none
	why   error            // why the columns are not known
}

// view names the columns of a logged table, as of a place.
func (p *Past) view(at placed, logged *binlog.Table) view {
	v := view{table: *logged, means: make([]*schema.Column, len(logged.Columns))}
	v.table.Columns = slices.Clone(logged.Columns)
	n := p.before(at)
	d, err := p.Timeline.Named(n, logged)
	if err != nil {
		v.why = err
		return v
	}
	v.means = p.Timeline.Columns(n, logged, d)
	for i, c := range d.Columns {
		if c.Hidden { // those are the last
			v.table.Columns = v.table.Columns[:i]
			break
		}
		own := &v.table.Columns[i]
		own.Name = c.Name
		own.Key = d.KeyKnown && d.InKey(c.Name)
	}
	for _, k := range d.Key {
		if i := d.At(k); i >= 0 {
			v.key = append(v.key, i)
		}
	}
	if !d.KeyKnown || len(v.key) != len(d.Key) {
		v.key = nil
	}
	return v
}

// matches reports whether a row image has the key that a person typed.
func (v *view) matches(image []binlog.Value, key []string) bool {
	if image == nil || len(key) != len(v.key) {
		return false
	}
	for at, i := range v.key {
		if !format.IsTyped(v.read(i, image[i]), v.table.Columns[i], v.means[i], key[at]) {
			return false
		}
	}
	return true
}

// read completes a value with what the log does not tell.
func (v *view) read(i int, value binlog.Value) binlog.Value {
	if v.means[i] == nil {
		return value
	}
	return format.Reread(value, v.table.Columns[i], *v.means[i])
}

// number is a piece's place among the pieces.
func (s *Source) number(p piece) int {
	return slices.IndexFunc(s.pieces, func(q piece) bool { return q.Segment == p.Segment })
}

// definitions reads the statements of the whole log that may define a table, once. The
// indexes tell which frames hold any.
func (s *Source) definitions(ctx context.Context) ([]definition, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.defined {
		return s.definers, nil
	}
	var all []definition
	for i, p := range s.pieces {
		found, err := definitionsIn(ctx, p, i)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	s.definers = all
	s.defined = true
	return all, nil
}

func definitionsIn(ctx context.Context, p piece, number int) (all []definition, err error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for _, f := range r.Frames() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.DDL && f.Unread == "" {
			continue
		}
		err := r.WalkTo(f.Start(), f.To, func(i *format.Item) error {
			if i.What != format.Statement || i.Group.Pos < f.Start() {
				return nil
			}
			s, ok := definingStatement(i)
			at := placed{number, i.Group.Pos}
			if ok && (len(all) == 0 || all[len(all)-1].at.compare(at) < 0) {
				all = append(all, definition{s, at})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return all, nil
}

// Bits of sql_mode in the log.
// https://github.com/mysql/mysql-server/blob/8.4/sql/system_variables.h
// definingStatement is a statement that may define a table.
func definingStatement(i *format.Item) (s history.Statement, ok bool) {
	q := i.Query
	head := string(q.SQL[:min(len(q.SQL), 400)])
	if q.ErrorCode != 0 || !binlog.IsDefinition(head) {
		return s, false
	}
	s = history.Statement{ID: i.Group.ID(), Schema: q.Schema, SQL: string(q.SQL)}
	if q.HasSQLMode {
		s.Mode = q.Mode()
	}
	return s, history.MayDefine(head)
}
