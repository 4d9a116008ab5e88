package rewind

import (
	"container/heap"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// edges are pairs of places in a plan: the first must be done before the second.
type edges [][2]int

// ordering finds the order of a plan's rows.
type ordering struct{ *Plan }

// order puts the rows into an order that the server's keys allow: parents come before
// the children that need them and go after the children that leave them, and a unique
// value is given up before another row takes it. Nothing else is moved. Where no order
// satisfies the foreign keys, the run does without them and counts what they guard; where
// none satisfies the unique keys, it goes back change by change.
func (p ordering) order(ctx context.Context, q schema.Querier) error {
	needed, err := p.byForeignKeys()
	if err != nil {
		return err
	}
	unique := edges(nil)
	if len(p.rows) > 1 {
		uniques, err := uniqueKeys(ctx, q, p.Database)
		if err != nil {
			return err
		}
		for _, k := range uniques {
			more, err := p.byUniqueKey(k)
			if err != nil {
				return err
			}
			unique = append(unique, more...)
		}
	}
	if len(needed)+len(unique) == 0 {
		return nil
	}
	at, whole := sorted(len(p.rows), slices.Concat(needed, unique))
	if !whole {
		at, whole = sorted(len(p.rows), unique)
		p.stepwise = !whole
		p.loose = len(needed) > 0
	}
	rows := make([]uint32, len(at))
	for to, from := range at {
		rows[to] = p.rows[from]
	}
	p.rows = rows
	p.hash = ""
	return nil
}

// ofTable calls take with the rows of one table and their places.
func (p *Plan) ofTable(t *table, take func(at int, r *Row)) error {
	for at, i := range p.rows {
		if p.entries.tables[p.entries.at(int(i)).table] != t {
			continue
		}
		r, err := p.load(int(i))
		if err != nil {
			return err
		}
		take(at, r)
	}
	return nil
}

// byForeignKeys are the edges of the foreign keys between the plan's tables.
func (p ordering) byForeignKeys() (all edges, err error) {
	for _, k := range p.keys {
		parent, child := p.tables[k.Parent], p.tables[k.Table]
		if parent == nil || child == nil || k.Database != p.Database {
			continue
		}
		refs := parent.places(k.Refs)
		own := child.places(k.Columns)
		come, leave, err := p.moves(parent, refs, func(r *Row) bool { return r.Before == nil || !acts(k.onUpdate) })
		if err != nil {
			return nil, err
		}
		err = p.ofTable(child, func(i int, r *Row) {
			if !child.moved(r, own) {
				return
			}
			if at, ok := come[p.value(child, r.Before, own)]; ok && at != i {
				all = append(all, [2]int{at, i})
			}
			// A row that refers to itself is in its own way.
			if at, ok := leave[p.value(child, r.Now, own)]; ok && (at != i || r.Before == nil && !acts(k.onDelete)) {
				all = append(all, [2]int{i, at})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// byUniqueKey are the edges of rows of which one gives up what another takes.
func (p ordering) byUniqueKey(k uniqueKey) (all edges, err error) {
	t := p.tables[k.table]
	comes := func(e *entry) bool { return p.entries.tables[e.table] == t && e.before != none }
	goes := func(e *entry) bool { return p.entries.tables[e.table] == t && e.now != none }
	if t == nil || !p.any(comes) || !p.any(goes) {
		return nil, nil
	}
	columns := t.places(k.columns)
	come, leave, err := p.moves(t, columns, func(*Row) bool { return true })
	for value, to := range come {
		if from, ok := leave[value]; ok && from != to {
			all = append(all, [2]int{from, to})
		}
	}
	slices.SortFunc(all, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return all, err
}

func (p ordering) any(is func(*entry) bool) bool {
	return slices.ContainsFunc(p.rows, func(i uint32) bool { return is(p.entries.at(int(i))) })
}

// moves are the places of a table's rows that get a value of some columns, and of those
// that lose one.
func (p ordering) moves(t *table, columns []int, leaves func(*Row) bool) (come, leave map[uint64]int, err error) {
	come, leave = map[uint64]int{}, map[uint64]int{}
	err = p.ofTable(t, func(i int, r *Row) {
		if !t.moved(r, columns) {
			return
		}
		if value := p.value(t, r.Before, columns); value != 0 {
			come[value] = i
		}
		if value := p.value(t, r.Now, columns); value != 0 && leaves(r) {
			leave[value] = i
		}
	})
	return come, leave, err
}

// value names what some columns hold; 0 for no row, and for a NULL, which refers to nothing.
func (p ordering) value(t *table, image []binlog.Value, columns []int) uint64 {
	text := t.text(image, columns)
	if text == "" {
		return 0
	}
	return max(1, maphash.String(p.entries.seed, text))
}

// places are the places of columns by name; -1 where there is none.
func (t *table) places(names []string) (at []int) {
	for _, name := range names {
		at = append(at, slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == name }))
	}
	return at
}

// moved tells whether a row comes, goes, or changes in some columns.
func (t *table) moved(r *Row, columns []int) bool {
	return r.Before == nil || r.Now == nil || t.differ(r.Before, r.Now, columns)
}

// text is what some columns hold; "" for no row, and for a NULL, which refers to nothing.
// Texts are folded: an order too many does no harm.
func (t *table) text(image []binlog.Value, columns []int) string {
	if image == nil {
		return ""
	}
	var out strings.Builder
	for _, i := range columns {
		if i < 0 || image[i].Null || image[i].Absent {
			return ""
		}
		part := t.plain(i, image[i])
		if t.Columns[i].Charset != "" {
			part = strings.ToLower(strings.TrimRight(part, " "))
		}
		out.WriteString(strconv.Itoa(len(part)))
		out.WriteByte(':')
		out.WriteString(part)
	}
	return out.String()
}

// sorted is an order of n places that obeys the edges and else keeps the places' own.
// whole is false where a circle made it leave some out.
func sorted(n int, all edges) (at []int, whole bool) {
	after := map[int][]int{}
	waits := map[int]int{}
	for _, e := range all {
		after[e[0]] = append(after[e[0]], e[1])
		waits[e[1]]++
	}
	ready := &places{}
	for i := range n {
		if waits[i] == 0 {
			*ready = append(*ready, i)
		}
	}
	done := make([]bool, n)
	next := 0
	whole = true
	at = make([]int, 0, n)
	for len(at) < n {
		if ready.Len() == 0 {
			for done[next] {
				next++
			}
			whole = false
			heap.Push(ready, next)
		}
		i := heap.Pop(ready).(int)
		if done[i] {
			continue
		}
		done[i] = true
		at = append(at, i)
		for _, to := range after[i] {
			if waits[to]--; waits[to] == 0 && !done[to] {
				heap.Push(ready, to)
			}
		}
	}
	return at, whole
}

// places is a heap of places, the least first.
type places []int

func (h places) Len() int           { return len(h) }
func (h places) Less(i, j int) bool { return h[i] < h[j] }
func (h places) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push adds a place.
func (h *places) Push(x any) { *h = append(*h, x.(int)) }

// Pop takes the last place off.
func (h *places) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// uniqueKey is a unique key beside the primary one, over whole columns.
type uniqueKey struct {
	table   string
	columns []string
}

// uniqueKeys are a database's unique keys beside the primary ones.
func uniqueKeys(ctx context.Context, q schema.Querier, database string) (all []uniqueKey, err error) {
	rows, err := schema.All(ctx, q, "SELECT TABLE_NAME, INDEX_NAME, COALESCE(COLUMN_NAME, '') "+
		"FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND NON_UNIQUE = 0 AND INDEX_NAME <> 'PRIMARY' "+
		"ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", database)
	if err != nil {
		return nil, fmt.Errorf("list the unique keys of %s: %w", database, err)
	}
	last := ""
	for _, r := range rows {
		if name := r[0] + "\x00" + r[1]; name != last {
			all = append(all, uniqueKey{table: r[0]})
			last = name
		}
		all[len(all)-1].columns = append(all[len(all)-1].columns, r[2])
	}
	return all, nil
}
