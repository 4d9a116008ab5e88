// Package rewind takes a transaction of the binary log back: it plans from the row
// images, compares each row with what is there now, and does it in one transaction.
package rewind

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/mysql/schema"
)

// table is a table of today with its key's place among the columns.
type table struct {
	*schema.Table
	key    []int  // columns of the primary key
	stored []int  // columns that can be written
	stores []bool // the same, of each column
	own    bool   // a foreign key refers to the table itself
	bare   bool   // no key: the key is all columns that can be written, and rows may be equal
	period bool   // MariaDB keeps former versions of its rows
	json   bool   // a column of MySQL's type JSON, whose text may lose a DECIMAL or a TIME

	past *changes.Past
}

func newTable(t *schema.Table) *table {
	own := &table{Table: t}
	own.key = own.places(t.CurrentKey())
	own.stores = make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		own.json = own.json || c.DataType == "json"
		own.period = own.period || c.Period
		if !c.Generated && !c.Period {
			own.stores[i] = true
			own.stored = append(own.stored, i)
		}
	}
	if own.bare = len(own.key) == 0; own.bare {
		own.key = own.stored
	}
	return own
}

// checkImage refuses an image that does not tell all that would be written.
func (t *table) checkImage(image []binlog.Value, fit *history.Fit) error {
	for i := range image {
		switch {
		case image[i].Absent && t.stores[i] && fit.Has(i):
			return fmt.Errorf("%s.%s: %w", t.Name, t.Columns[i].Name, binlog.ErrPartial)
		case string(image[i].Exact) == binlog.Unwritable && t.stores[i]:
			return fmt.Errorf("%s.%s: %w", t.Name, t.Columns[i].Name, ErrJSON)
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

// literal is a value as SQL. A column that the transaction did not know gets its default.
func (t *table) literal(i int, v binlog.Value) string {
	if v.Absent {
		return "DEFAULT"
	}
	return format.Literal(t.Columns[i], v)
}

// columns is the list of what the reading of rows gives, in the table's order.
func (t *table) columns() string {
	var list []string
	for _, c := range t.Columns {
		list = append(list, format.NowExpr(c))
	}
	return strings.Join(list, ", ")
}

// together is how many rows of the table one statement may take: rows that refer to one
// another are deleted one by one, for the server takes those of a statement in its own order;
// rows without a key too.
func (t *table) together(verb binlog.Verb) int {
	if (t.own || t.bare) && verb == binlog.Delete {
		return 1
	}
	return batchRows
}

// keyAmong is a condition that a row has the key of one of the given rows; prefix stands before
// the columns' names.
func (t *table) keyAmong(prefix string, rows []*Row) string {
	var columns []schema.Column
	var names []string
	for _, i := range t.key {
		columns = append(columns, t.Columns[i])
		names = append(names, prefix+schema.Ident(t.Columns[i].Name))
	}
	keys := make([][]string, len(rows))
	for n, r := range rows {
		keys[n] = t.keyValues(r.there())
	}
	return schema.KeyIn(columns, names, keys)
}

// keyValues is a row's key as SQL. A FLOAT is compared as a DOUBLE by the server: 0.1
// finds none that was put in as 0.1.
func (t *table) keyValues(row []binlog.Value) (parts []string) {
	for _, i := range t.key {
		v := row[i]
		if t.Columns[i].DataType == "float" {
			v = binlog.Value{Kind: binlog.Double, Null: v.Null, Text: []byte(t.plain(i, v))}
		}
		parts = append(parts, t.literal(i, v))
	}
	return parts
}

// keyOf is the text that tells a row from others, be it of the log or of now.
func (t *table) keyOf(image []binlog.Value) string {
	var buf [64]byte
	return string(t.appendKey(buf[:0], image))
}

func (t *table) appendKey(dst []byte, image []binlog.Value) []byte {
	for _, i := range t.key {
		switch {
		case t.bare && image[i].Null:
			dst = append(dst, isNull)
			continue
		case t.bare:
			dst = append(dst, 0)
		}
		dst = appendText(dst, t.plain(i, image[i]))
	}
	return dst
}

// plain is a value's text, the same whether it is the log's or was read.
func (t *table) plain(i int, v binlog.Value) string {
	switch {
	case v.Null || v.Absent:
		return ""
	case t.Columns[i].DataType == "float":
		if f, err := strconv.ParseFloat(string(v.Text), 32); err == nil {
			return strconv.FormatFloat(f, 'e', -1, 64)
		}
	case t.Columns[i].DataType == "double":
		if f, err := strconv.ParseFloat(string(v.Text), 64); err == nil {
			return strconv.FormatFloat(f, 'e', -1, 64)
		}
	case v.Kind == binlog.Number:
		return format.PlainNumber(string(v.Text))
	}
	return string(v.Text)
}

// read reads the rows that have the keys of the given ones. lock is "" or FOR UPDATE.
func (t *table) read(
	ctx context.Context,
	q schema.Querier,
	rows []*Row,
	lock string,
) (map[string][]binlog.Value, error) {
	query := "SELECT " + t.columns() + " FROM " + t.SQLName() + " WHERE " + t.keyAmong("", rows) + lock
	found := map[string][]binlog.Value{}
	err := t.scan(ctx, q, query, func(values []binlog.Value) error {
		found[t.keyOf(values)] = values
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.SQLName(), err)
	}
	return found, nil
}

// scan calls take with the rows of a query.
func (t *table) scan(ctx context.Context, q schema.Querier, query string, take func([]binlog.Value) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	raw := make([][]byte, len(t.Columns))
	into := make([]any, len(t.Columns))
	kinds := make([]binlog.Kind, len(t.Columns))
	for i := range raw {
		into[i], kinds[i] = &raw[i], t.kind(i)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		values := make([]binlog.Value, len(raw))
		for i, b := range raw {
			values[i] = binlog.Value{Kind: kinds[i], Null: b == nil, Text: b, Absent: t.Columns[i].Period}
		}
		if err := take(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// kind is what a value that was read is, so that it can be written again.
func (t *table) kind(i int) binlog.Kind {
	c := t.Columns[i]
	switch {
	case c.DataType == "enum":
		return binlog.Enum
	case c.DataType == "set":
		return binlog.Set
	case c.DataType == "bit":
		return binlog.Bits
	case c.DataType == "float", c.DataType == "double":
		return binlog.Double
	case c.Form == schema.FormBinary || c.DataType == "vector":
		return binlog.Binary
	case c.Form == schema.FormNumber:
		return binlog.Number
	case c.DataType == "json":
		return binlog.JSON
	case c.Charset != "":
		return binlog.Text
	}
	return binlog.Temporal
}

// same compares a value of the log, or one that was read before, with one of now.
func (t *table) same(i int, logged, now binlog.Value) bool {
	if logged.Absent || now.Absent {
		return true // not known, and not written
	}
	if now.Null {
		return logged.Null
	}
	text := now.Text
	if text == nil {
		text = []byte{}
	}
	return format.SameNow(logged, text, t.Columns[i])
}
