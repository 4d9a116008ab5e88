package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// errSortMemory is ER_OUT_OF_SORTMEMORY: since 8.0.20 MySQL sorts whole rows, JSON
// and TEXT with them, and fifteen of the widest must fit into sort_buffer_size.
const errSortMemory = 1038

// chosen reads the first rows of an order. Where the server cannot sort rows so
// wide, the keys are put in order first and the rows are fetched by them.
func (r *reader) chosen(ctx context.Context, q *session, hint string, w *where, order string,
	limit int) ([]audit.Row, error) {
	rows, err := r.fetch(ctx, q, r.selectRows(hint, w, order, limit), w.args)
	if mysql.Number(err) != errSortMemory {
		return rows, err
	}
	keys, err := r.orderedKeys(ctx, q, hint, w, order, limit)
	if err != nil {
		return nil, err
	}
	return r.byKeys(ctx, q, keys)
}

// rowKey is what finds one row: the values of its key, and its time as the server
// writes it, by which two rows of one key may differ.
type rowKey struct {
	values []any
	name   string
}

// orderedKeys are the keys of the rows in order. The inner query keeps the columns
// of the conditions, which may be the wide ones, out of the sort; its LIMIT keeps
// the server from merging the two.
func (r *reader) orderedKeys(ctx context.Context, q *session, hint string, w *where, order string,
	limit int) ([]rowKey, error) {
	columns := r.keyColumns()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = audit.Ident(c.Name)
	}
	list := strings.Join(names, ", ") + ", " + r.col(audit.CreatedAt)
	query := fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s%s%s LIMIT %d) AS k ORDER BY %s LIMIT %d",
		list, list, r.name(), hint, w, int64(math.MaxInt64), order, limit)
	rows, err := q.query(ctx, query, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	raw := make([]sql.RawBytes, len(columns)+1)
	dest := make([]any, len(raw))
	for i := range raw {
		dest[i] = &raw[i]
	}
	var out []rowKey
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		out = append(out, keyFrom(columns, raw))
	}
	return out, rows.Err()
}

// keyColumns are the columns that find a row.
func (t *table) keyColumns() []audit.Column {
	if t.layout.Numbered() {
		return []audit.Column{t.layout.Column(audit.ID)}
	}
	return t.layout.Keys
}

func keyFrom(columns []audit.Column, raw []sql.RawBytes) rowKey {
	var k rowKey
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = string(raw[i])
		if c.Binary {
			k.values = append(k.values, []byte(texts[i]))
			texts[i] = audit.Hex(texts[i])
			continue
		}
		k.values = append(k.values, texts[i])
	}
	k.name = keyName(audit.JoinKey(texts), string(raw[len(columns)]))
	return k
}

func keyName(key, at string) string { return key + "\x00" + at }

// keyedRows is how many rows one query fetches by their keys.
const keyedRows = 200

// byKeys fetches rows by their keys, in the order of the keys. Rows that have gone
// since are left out.
func (r *reader) byKeys(ctx context.Context, q *session, keys []rowKey) ([]audit.Row, error) {
	var out []audit.Row
	whole := *r
	whole.room = nil // the room counts in the order of the keys
	for len(keys) > 0 {
		n := min(len(keys), keyedRows)
		query := "SELECT " + r.list() + " FROM " + r.name() + " WHERE " + r.anyKey(n)
		some, err := whole.fetch(ctx, q, query, keyValues(keys[:n]))
		if err != nil {
			return nil, err
		}
		found := map[string][]audit.Row{}
		for _, row := range some {
			key := row.Key
			if r.layout.Numbered() {
				key = row.Get(audit.ID)
			}
			name := keyName(key, row.Get(audit.CreatedAt))
			found[name] = append(found[name], row)
		}
		for _, k := range keys[:n] {
			for i := range found[k.name] {
				if row := &found[k.name][i]; r.room.takes(row, len(out) == 0) {
					out = append(out, *row)
				} else {
					return out, nil
				}
			}
			delete(found, k.name)
		}
		keys = keys[n:]
	}
	return out, nil
}

// anyKey is the condition that a row has one of n keys.
func (t *table) anyKey(n int) string {
	var all []string
	for _, c := range t.keyColumns() {
		all = append(all, audit.Ident(c.Name)+" = ?")
	}
	one := "(" + strings.Join(all, " AND ") + ")"
	return one + strings.Repeat(" OR "+one, n-1)
}

func keyValues(keys []rowKey) []any {
	var out []any
	for _, k := range keys {
		out = append(out, k.values...)
	}
	return out
}
