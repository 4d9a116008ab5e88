package auditlog

import (
	"fmt"
	"strconv"
	"strings"

	"opsdeck/ops/audit"
)

// where is a condition being built. What a person wrote only ever goes into
// args; parts hold our own words and quoted names of found columns.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

func (w *where) any(alternatives []string) string {
	if len(alternatives) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(alternatives, " OR ") + ")"
}

// String is " WHERE …", or "" for no condition.
func (w *where) String() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

func (t *table) col(f audit.Field) string { return audit.Ident(t.layout.Column(f).Name) }

// filter is the condition of a filter.
func (t *table) filter(f audit.Filter) *where {
	w := &where{}
	since, until := f.Span(t.layout)
	if since != audit.NoStamp {
		w.add(t.col(audit.CreatedAt)+" >= ?", since.String())
	}
	if until != audit.MaxStamp {
		w.add(t.col(audit.CreatedAt)+" < ?", until.String())
	}
	for _, asked := range f.Terms {
		cond, args := t.term(asked)
		if asked.Not {
			cond = "(" + cond + ") IS NOT TRUE"
		}
		w.add(cond, args...)
	}
	return w
}

func (t *table) term(asked audit.Term) (string, []any) {
	switch asked.Op {
	case audit.Contains:
		return t.contains(asked.Any[0].Like())
	case audit.Changed:
		return t.changed(asked.Any)
	}
	var alternatives []string
	var args []any
	for _, m := range asked.Any {
		field := asked.Field
		if asked.Op == audit.Resource {
			field = audit.ResourceType
		}
		cond, a := t.match(field, m)
		args = append(args, a...)
		if asked.Op == audit.Resource && m.Sub != nil {
			sub, b := t.match(audit.ResourceID, *m.Sub)
			cond = "(" + cond + " AND " + sub + ")"
			args = append(args, b...)
		}
		alternatives = append(alternatives, cond)
	}
	return (&where{}).any(alternatives), args
}

// match is the condition that a field is like one value. Values go to the
// server in the column's own type, so that indexes serve and '12ab' is not 12.
func (t *table) match(f audit.Field, m audit.Match) (string, []any) {
	col := t.col(f)
	c := t.layout.Column(f)
	switch {
	case m.Null:
		return col + " IS NULL", nil
	case c.Binary && m.Wild():
		return "LOWER(HEX(" + col + ")) LIKE ? ESCAPE '!'", []any{m.Like()}
	case c.Binary:
		raw, ok := audit.Unhex(m.Text())
		if !ok {
			return "FALSE", nil
		}
		return col + " = ?", []any{raw}
	case c.Type == "uuid" || c.Integer && m.Wild():
		return t.cast(col) + " LIKE ? ESCAPE '!'", []any{t.folded(m.Like())}
	case c.Integer:
		n, err := strconv.ParseInt(m.Text(), 10, 64)
		if err != nil {
			return "FALSE", nil
		}
		return col + " = ?", []any{n}
	case m.Wild() && (c.Exact || f.JSON()):
		return t.cast(col) + " LIKE ? ESCAPE '!'", []any{t.folded(m.Like())}
	case m.Wild():
		return col + " LIKE ? ESCAPE '!'", []any{m.Like()}
	case c.Exact:
		text := m.Text()
		return col + " IN (?, ?, ?)", []any{text, strings.ToUpper(text), strings.ToLower(text)}
	}
	return col + " = ?", []any{m.Text()}
}

// cast is a column as a text that is compared whatever its case, with what
// folded makes of a pattern.
func (t *table) cast(col string) string {
	if t.can.strict {
		return "LOWER(CAST(" + col + " AS CHAR))"
	}
	return "CAST(" + col + " AS CHAR)"
}

func (t *table) folded(pattern string) string {
	if t.can.strict {
		return strings.ToLower(pattern)
	}
	return pattern
}

// contains looks in every text of the row, whatever the case.
func (t *table) contains(pattern string) (string, []any) {
	var alternatives []string
	var args []any
	for _, f := range t.layout.TextFields() {
		c := t.layout.Column(f)
		col := t.col(f)
		like := "%" + pattern + "%"
		switch {
		case c.Binary:
			col = "LOWER(HEX(" + col + "))"
		case c.JSON || c.Exact || c.Integer:
			col, like = t.cast(col), t.folded(like)
		}
		alternatives = append(alternatives, col+" LIKE ? ESCAPE '!'")
		args = append(args, like)
	}
	return (&where{}).any(alternatives), args
}

// changed asks for rows whose change touched one of the paths.
func (t *table) changed(paths []audit.Match) (string, []any) {
	var alternatives []string
	var args []any
	for _, m := range paths {
		path := jsonPath(m.Text())
		if t.layout.Has(audit.OldValue) || t.layout.Has(audit.NewValue) {
			alternatives = append(alternatives, "NOT ("+t.extract(audit.OldValue)+" <=> "+t.extract(audit.NewValue)+")")
			for _, f := range []audit.Field{audit.OldValue, audit.NewValue} {
				if t.layout.Has(f) {
					args = append(args, "$"+path)
				}
			}
		}
		if t.layout.Has(audit.Changes) {
			cond, a := t.changedBy(path, m.Text())
			alternatives = append(alternatives, cond)
			args = append(args, a...)
		}
	}
	return (&where{}).any(alternatives), args
}

// extract is a path's value in a column; NULL where the column is missing, is
// NULL or holds text that is no JSON.
func (t *table) extract(f audit.Field) string {
	if !t.layout.Has(f) {
		return "NULL"
	}
	if t.layout.Column(f).JSON {
		return "JSON_EXTRACT(" + t.col(f) + ", ?)"
	}
	return "CAST(JSON_EXTRACT(" + t.valid(f) + ", ?) AS BINARY)"
}

func (t *table) valid(f audit.Field) string {
	if t.layout.Column(f).JSON {
		return t.col(f)
	}
	return "IF(JSON_VALID(" + t.col(f) + "), " + t.col(f) + ", NULL)"
}

// changedBy looks for a path in the changes column, in the forms that
// audit.Diff understands.
func (t *table) changedBy(path, name string) (string, []any) {
	col := t.valid(audit.Changes)
	alternatives := []string{"JSON_CONTAINS_PATH(" + col + ", 'one', ?)"}
	args := []any{"$" + path}
	for _, side := range [][2]string{{"old", "new"}, {"from", "to"}, {"before", "after"}} {
		alternatives = append(alternatives, "NOT ("+t.extract(audit.Changes)+" <=> "+t.extract(audit.Changes)+")")
		args = append(args, "$."+side[0]+path, "$."+side[1]+path)
	}
	alternatives = append(alternatives, "JSON_CONTAINS("+col+", JSON_OBJECT('field', ?))")
	return (&where{}).any(alternatives), append(args, name)
}

// jsonPath writes a.b[0] as the server's path, without its "$"; members are
// quoted, so that any name is only a name.
func jsonPath(path string) string {
	var b strings.Builder
	for _, part := range strings.Split(path, ".") {
		name, rest := part, ""
		if i := strings.IndexByte(part, '['); i >= 0 && strings.HasSuffix(part, "]") {
			if _, err := strconv.Atoi(part[i+1 : len(part)-1]); err == nil {
				name, rest = part[:i], part[i:]
			}
		}
		if name != "" {
			b.WriteString("." + member(name))
		}
		b.WriteString(rest)
	}
	return b.String()
}

// before is the condition that a row comes after a place in a list, newest
// first. withNull tells that rows without a time, which come last, are wanted.
func (t *table) before(w *where, p audit.Pos, withNull bool) {
	at := t.col(audit.CreatedAt)
	if p.At == audit.MaxStamp {
		return
	}
	older, args := t.keyBeyond(p, "<")
	withNull = withNull && t.layout.Column(audit.CreatedAt).Nullable
	switch {
	case p.At == audit.NoStamp:
		w.add("("+at+" IS NULL AND "+older+")", args...)
	case withNull:
		w.add(
			"("+at+" < ? OR "+at+" = ? AND "+older+" OR "+at+" IS NULL)",
			append([]any{p.At.String(), p.At.String()}, args...)...)
	default:
		// Said so that an index on the time gives a range.
		w.add(at+" <= ? AND ("+at+" < ? OR "+older+")", append([]any{p.At.String(), p.At.String()}, args...)...)
	}
}

// keyBeyond is the condition that a key is below (<) or above (>) that of a
// place, column by column as ORDER BY sorts them.
func (t *table) keyBeyond(p audit.Pos, op string) (string, []any) {
	if t.layout.Numbered() {
		return t.col(audit.ID) + " " + op + " ?", []any{p.ID}
	}
	names := make([]string, len(t.layout.Keys))
	for i, c := range t.layout.Keys {
		names[i] = c.Name
	}
	cond, args := compare(names, t.keyArgs(p.Key), op)
	return cond, args
}

// compare is the condition that columns, the first before the second, are
// below or above values.
func compare(columns []string, values []any, op string) (string, []any) {
	if len(columns) == 1 {
		return audit.Ident(columns[0]) + " " + op + " ?", values
	}
	var either []string
	var args []any
	for i, c := range columns {
		var all []string
		for j, before := range columns[:i] {
			all = append(all, audit.Ident(before)+" = ?")
			args = append(args, values[j])
		}
		all = append(all, audit.Ident(c)+" "+op+" ?")
		args = append(args, values[i])
		either = append(either, strings.Join(all, " AND "))
	}
	return "(" + strings.Join(either, " OR ") + ")", args
}

// keyArgs are the values of a key as the server wants them.
func (t *table) keyArgs(key string) []any {
	values := audit.SplitKey(key, len(t.layout.Keys))
	out := make([]any, len(values))
	for i, c := range t.layout.Keys {
		out[i] = values[i]
		if c.Binary {
			out[i], _ = audit.Unhex(values[i])
		} else if n, err := strconv.ParseInt(values[i], 10, 64); err == nil && c.Integer {
			out[i] = n
		}
	}
	return out
}

// member quotes the name of a JSON member as JSON does.
func member(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range name {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
