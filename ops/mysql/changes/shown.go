package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Shown returns up to a limit the rows of a transaction that match the query, in readable
// form; all is their total number. now returns today's definition of a table, or nil.
func (s *Source) Shown(
	ctx context.Context,
	id string,
	q Query,
	most int,
	now func(database, table string) *schema.Table,
) (t *binlog.Transaction, rows []binlog.ShownRow, all int64, err error) {
	t, p, err := s.locate(ctx, id)
	if err != nil {
		return nil, nil, 0, err
	}
	r, err := p.open()
	if err != nil {
		return nil, nil, 0, err
	}
	defer r.Close()
	at := placed{s.number(p), t.Pos}
	s1 := shower{ctx: ctx, src: s, at: at, q: q, most: most, today: now, known: map[string]*Past{}}
	if err = r.Walk(t.Pos, s1.take); errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return t, s1.rows, s1.all, err
}

// shower collects rows in readable form.
type shower struct {
	ctx   context.Context
	src   *Source
	at    placed // of the transaction
	q     Query
	most  int
	today func(database, table string) *schema.Table
	known map[string]*Past
	rows  []binlog.ShownRow
	all   int64
}

func (s *shower) take(i *format.Item) error {
	switch i.What {
	case format.Change:
		return s.change(i.Rows)
	case format.End:
		return binarchive.ErrEnough
	}
	return nil
}

func (s *shower) change(r *format.Rows) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.q.Table != "" && !r.Map.Matches(s.q.Table) {
		return nil
	}
	if s.q.Key == nil && len(s.rows) >= s.most {
		n, err := r.Count()
		s.all += int64(n)
		return err
	}
	past, err := s.table(&r.Map.Table)
	if err != nil {
		return err
	}
	v := past.view(s.at, &r.Map.Table)
	return r.Each(func(c binlog.RowChange) error {
		if s.q.Key != nil && v.key != nil && !v.matches(c.Before, s.q.Key) && !v.matches(c.After, s.q.Key) {
			return nil
		}
		s.all++
		if len(s.rows) < s.most {
			s.rows = append(s.rows, v.row(c))
		}
		return nil
	})
}

// table is a logged table over the time of the log; it is looked up once.
func (s *shower) table(t *binlog.Table) (*Past, error) {
	name := t.String()
	if past := s.known[name]; past != nil {
		return past, nil
	}
	past, err := s.src.Past(s.ctx, t.Schema, t.Name, s.today(t.Schema, t.Name))
	s.known[name] = past
	return past, err
}

func (v *view) row(c binlog.RowChange) binlog.ShownRow {
	out := binlog.ShownRow{Schema: v.table.Schema, Table: v.table.Name, Verb: c.Verb}
	out.Before = v.image(c.Before)
	out.After = v.image(c.After)
	there := c.After
	if there == nil {
		there = c.Before
	}
	out.Key = v.keyOf(there)
	if out.Key == nil {
		out.Key = v.keyOf(c.Before) // a MINIMAL image of after may lack the key
	}
	return out
}

// keyOf is the key of a row image as a person types it; nil if it is not known.
func (v *view) keyOf(image []binlog.Value) (key []string) {
	for _, i := range v.key {
		if image == nil || image[i].Absent {
			return nil
		}
		key = append(key, format.KeyText(v.read(i, image[i])))
	}
	return key
}

// image renders a row image as a JSON object.
func (v *view) image(values []binlog.Value) string {
	if values == nil {
		return ""
	}
	var out strings.Builder
	out.WriteByte('{')
	for i, value := range values {
		if value.Absent || i >= len(v.table.Columns) {
			continue
		}
		col := v.table.Columns[i]
		if means := v.means[i]; means != nil {
			value = format.Reread(value, col, *means)
			if col.Members == nil {
				col.Members = format.Members(means.Type)
			}
		}
		name := col.Name
		if name == "" {
			name = "@" + strconv.Itoa(i+1)
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(jsonOf(name))
		out.WriteByte(':')
		out.Write(valueJSON(col, value))
	}
	out.WriteByte('}')
	return out.String()
}

// valueJSON renders a value as JSON: numbers and documents unchanged, ENUM and SET members
// by name if known, bytes in hexadecimal.
func valueJSON(col binlog.Column, v binlog.Value) []byte {
	switch {
	case v.Null:
		return []byte("null")
	case v.Kind == binlog.Enum || v.Kind == binlog.Set:
		return jsonOf(format.MemberNames(col.Members, v))
	case v.Kind == binlog.Binary || v.Kind == binlog.Bits:
		return jsonOf(format.KeyText(v))
	case v.Kind == binlog.JSON && json.Valid(v.Text):
		return v.Text
	case (v.Kind == binlog.Number || v.Kind == binlog.Float || v.Kind == binlog.Double) && json.Valid(v.Text):
		return v.Text
	}
	return jsonOf(strings.ToValidUTF8(string(v.Text), "\uFFFD"))
}

func jsonOf(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		return []byte(fmt.Sprintf("%q", text))
	}
	return b
}
