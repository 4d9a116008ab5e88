package auditlog

import (
	"fmt"
	"math"
	"strings"

	"opsdeck/ops/audit"
)

// table writes SQL about the table that was found: names, conditions, orders. It
// reads nothing.
type table struct {
	opt    *Options
	can    *ability
	layout *audit.Layout
}

// selectRows is the query for rows.
func (t *table) selectRows(hint string, w *where, order string, limit int) string {
	return fmt.Sprintf("SELECT %s FROM %s%s%s ORDER BY %s LIMIT %d", t.list(), t.name(), hint, w, order, limit)
}

// orderBy is the order of a list, or of a trace.
func (t *table) orderBy(direction string) string {
	return t.col(audit.CreatedAt) + direction + ", " + t.keyOrder(direction)
}

func (t *table) keyOrder(direction string) string {
	if t.layout.Numbered() {
		return t.col(audit.ID) + direction
	}
	names := make([]string, len(t.layout.Keys))
	for i, c := range t.layout.Keys {
		names[i] = audit.Ident(c.Name) + direction
	}
	return strings.Join(names, ", ")
}

// byKey keeps the server from preferring another index to the key.
func (t *table) byKey() string {
	if !t.can.force {
		return ""
	}
	return " FORCE INDEX (" + audit.Ident(t.layout.KeyIndex().Name) + ")"
}

// newest is the table in the order of its newest rows where that costs little,
// else in any order.
func (t *table) newest() string {
	switch {
	case t.layout.Numbered():
		return t.name() + t.byKey() + " ORDER BY " + t.col(audit.ID) + " DESC"
	case t.layout.Choose(audit.Filter{}) == audit.TimeOrder:
		return t.name() + " ORDER BY " + t.orderBy(" DESC")
	}
	return t.name()
}

// asText is a field as the text that rows show.
func (t *table) asText(f audit.Field) string {
	if t.layout.Column(f).Binary {
		return "LOWER(HEX(" + t.col(f) + "))"
	}
	return "CAST(" + t.col(f) + " AS CHAR)"
}

// span is the condition for rows of a run of ids.
func (t *table) span(w *where, r audit.Range) *where {
	out := &where{parts: append([]string(nil), w.parts...), args: append([]any(nil), w.args...)}
	out.add(t.col(audit.ID)+" BETWEEN ? AND ?", r.First, r.Last)
	return out
}

// name is the table's, for SQL.
func (o *Options) name() string { return audit.Ident(o.Schema) + "." + audit.Ident(o.Table) }

func (t *table) name() string { return t.opt.name() }

// keyRanges is the condition that ids lie in the ranges, or around all of them
// when they are many; "" for no bound.
func (t *table) keyRanges(ranges []audit.Range) string {
	if len(ranges) > maxWhereRanges {
		all := ranges[0]
		for _, r := range ranges {
			all.First = min(all.First, r.First)
			all.Last = max(all.Last, r.Last)
		}
		ranges = []audit.Range{all}
	}
	var parts []string
	for _, r := range ranges {
		if r.First == math.MinInt64 && r.Last == math.MaxInt64 {
			return ""
		}
		if r.First == math.MinInt64 {
			parts = append(parts, fmt.Sprintf("%s <= %d", t.col(audit.ID), r.Last))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s BETWEEN %d AND %d", t.col(audit.ID), r.First, r.Last))
	}
	if len(parts) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}
