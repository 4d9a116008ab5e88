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
	s1 := shower{ctx: ctx, q: q, most: most, today: now, known: map[string]*schema.Table{}}
	if err = r.Walk(t.Pos, s1.take); errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return t, s1.rows, s1.all, err
}

// shower collects rows in readable form.
type shower struct {
	ctx   context.Context
	q     Query
	most  int
	today func(database, table string) *schema.Table
	known map[string]*schema.Table
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
	table := r.Map.Table
	table.Columns = append([]binlog.Column(nil), table.Columns...)
	now := s.table(&table)
	if now != nil && format.Know(&table, now) != nil {
		now = nil // it had another definition then
	}
	look := look{q: s.q}
	look.q.Now = now
	return r.Each(func(c binlog.RowChange) error {
		if s.q.Key != nil && !look.matches(&table, c.Before) && !look.matches(&table, c.After) {
			return nil
		}
		s.all++
		if len(s.rows) < s.most {
			s.rows = append(s.rows, row(&table, now, c))
		}
		return nil
	})
}

// table is today's definition of a logged table; it is looked up once.
func (s *shower) table(t *binlog.Table) *schema.Table {
	name := t.String()
	now, asked := s.known[name]
	if !asked {
		now = s.today(t.Schema, t.Name)
		s.known[name] = now
	}
	return now
}

func row(t *binlog.Table, now *schema.Table, c binlog.RowChange) binlog.ShownRow {
	out := binlog.ShownRow{Schema: t.Schema, Table: t.Name, Verb: c.Verb}
	out.Before, _ = image(t, now, c.Before)
	out.After, _ = image(t, now, c.After)
	there := c.After
	if there == nil {
		there = c.Before
	}
	_, out.Key = image(t, now, there)
	return out
}

// image renders a row image as a JSON object and returns its key.
func image(t *binlog.Table, now *schema.Table, values []binlog.Value) (text string, key []string) {
	if values == nil {
		return "", nil
	}
	var out strings.Builder
	out.WriteByte('{')
	for i, v := range values {
		if v.Absent || i >= len(t.Columns) {
			continue
		}
		col := t.Columns[i]
		if now != nil {
			today := *now.Column(col.Name)
			v = format.Reread(v, col, today)
			if col.Members == nil {
				col.Members = members(today.Type)
			}
		}
		name := col.Name
		if name == "" {
			name = "@" + strconv.Itoa(i+1)
		}
		if col.Key {
			key = append(key, keyText(v))
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(jsonOf(name))
		out.WriteByte(':')
		out.Write(valueJSON(col, v))
	}
	out.WriteByte('}')
	return out.String(), key
}

// valueJSON renders a value as JSON: numbers and documents unchanged, ENUM and SET members
// by name if known, bytes in hexadecimal.
func valueJSON(col binlog.Column, v binlog.Value) []byte {
	switch {
	case v.Null:
		return []byte("null")
	case v.Kind == binlog.Enum || v.Kind == binlog.Set:
		return jsonOf(named(col.Members, v))
	case v.Kind == binlog.Binary || v.Kind == binlog.Bits:
		return jsonOf(keyText(v))
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

// named is the name of an ENUM member, or the names of a SET's members.
func named(list []string, v binlog.Value) string {
	n, err := strconv.ParseUint(string(v.Text), 10, 64)
	switch {
	case err != nil || len(list) == 0:
		return string(v.Text)
	case v.Kind == binlog.Enum && n == 0:
		return ""
	case v.Kind == binlog.Enum && n <= uint64(len(list)):
		return list[n-1]
	case v.Kind == binlog.Enum:
		return string(v.Text)
	}
	var names []string
	for i, name := range list {
		if i < 64 && n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// members parses the names in "enum('a','b')".
func members(declared string) (out []string) {
	_, rest, found := strings.Cut(declared, "(")
	if !found || !strings.HasPrefix(declared, "enum") && !strings.HasPrefix(declared, "set") {
		return nil
	}
	for {
		_, after, found := strings.Cut(rest, "'")
		if !found {
			return out
		}
		name := ""
		for {
			part, tail, found := strings.Cut(after, "'")
			if !found {
				return nil
			}
			name += part
			if !strings.HasPrefix(tail, "'") {
				rest = tail
				break
			}
			name, after = name+"'", tail[1:]
		}
		out = append(out, name)
	}
}
