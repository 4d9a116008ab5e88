package audit

import (
	"strconv"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Estimate is what the server thinks a query will read, by EXPLAIN.
type Estimate struct {
	Rows  int64
	Key   string // the index used; "" for none
	Sorts bool   // all of it has to be sorted
}

// Take reads one column of a line of EXPLAIN, as MySQL and MariaDB or as TiDB
// write it, and tells whether it is the number of rows.
func (e *Estimate) Take(column, text string) bool {
	switch column {
	case "rows", "estrows":
		n, _ := strconv.ParseFloat(text, 64) // NULL for a condition that cannot be true: no rows
		e.Rows = max(e.Rows, int64(n))
		return true
	case "key":
		e.Key = text
	case "access object":
		if _, index, ok := strings.Cut(text, "index:"); ok {
			e.Key, _, _ = strings.Cut(index, "(")
		}
	case "id": // TiDB names its operators there, the others number theirs
		e.Sorts = e.Sorts || strings.Contains(text, "Sort_") || strings.Contains(text, "TopN_")
	case "extra":
		e.Sorts = e.Sorts || strings.Contains(text, "filesort")
	}
	return false
}

// TooMuchError says that a query would read more rows than it may without
// being asked for. Whoever asks may send it again with leave.
type TooMuchError struct {
	Estimate Estimate
	Max      int64
	Index    string // the statement of an index that would help; may be ""
}

// Error is the English sentence.
func (e *TooMuchError) Error() string { return e.Message().String() }

// Message is the sentence for people.
func (e *TooMuchError) Message() lang.Msg {
	key := e.Estimate.Key
	if key == "" {
		return lang.M("this query would read about %s rows without an index (more than %s need a confirmation)",
			human.Count(e.Estimate.Rows), human.Count(e.Max))
	}
	return lang.M("this query would read about %s rows by the index %s (more than %s need a confirmation)",
		human.Count(e.Estimate.Rows), key, human.Count(e.Max))
}

// Advice names the index that would help, or an empty Msg.
func (e *TooMuchError) Advice() lang.Msg {
	if e.Index == "" {
		return lang.Msg{}
	}
	return lang.M("this index would help: %s", e.Index)
}

// Explain makes an error for people of it.
func (e *TooMuchError) Explain() error {
	hint := lang.M("narrow the query, or run it with --yes")
	if e.Index != "" {
		hint = lang.M("narrow the query, or run it with --yes; this index would help: %s", e.Index)
	}
	return ops.E(ops.Failed, e.Message()).WithHint(hint)
}

// Advise writes the statement of an index that would serve a filter, or "".
func (l *Layout) Advise(f Filter) string {
	var fields []Field
	for _, t := range f.Terms {
		switch {
		case t.Not || t.Op == Contains || t.Op == Changed:
		case t.Op == Resource && len(t.Any) == 1 && t.Any[0].Sub != nil:
			fields = append(fields, ResourceType, ResourceID)
		case len(t.Any) == 1 && !t.Any[0].Wild():
			fields = append(fields, t.Field)
		}
	}
	if len(fields) > 2 {
		fields = fields[:2]
	}
	fields = append(fields, CreatedAt)
	if _, ok := l.indexOn(fields...); ok {
		return ""
	}
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = Ident(l.Column(field).Name)
	}
	return "ALTER TABLE " + Ident(l.Table) + " ADD INDEX (" + strings.Join(names, ", ") + ")"
}

// Ident quotes a name of the server's for SQL.
func Ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Strategy is how a page is got.
type Strategy int

// The strategies, cheapest first.
const (
	Lookup    Strategy = iota // few rows by an index, sorted
	UserOrder                 // an index on user and time is in the page's order
	TimeOrder                 // an index on time is in the page's order
	ZoneOrder                 // by id, as far as the zones prove it
	SortTable                 // the server reads and sorts what it must
)

// Choose decides how to get a page for a filter. ZoneOrder is right as far as zones cover
// the table and help.
func (l *Layout) Choose(f Filter) Strategy {
	for _, t := range f.Terms {
		if !t.Not && l.selective(t) {
			return Lookup
		}
	}
	if len(l.Users(f)) > 0 {
		return UserOrder
	}
	if l.inOrder(CreatedAt) {
		return TimeOrder
	}
	if l.numbered {
		return ZoneOrder
	}
	return SortTable
}

// selective tells whether a term and an index leave few rows.
func (l *Layout) selective(t Term) bool {
	for _, m := range t.Any {
		if m.Wild() || m.Null {
			return false
		}
	}
	switch {
	case t.Op == Is && t.Field == ID:
		return true
	case t.Op == Is && t.Field == Key:
		_, ok := l.indexOn(Key)
		return ok
	case t.Op == Resource:
		for _, m := range t.Any {
			if m.Sub == nil || m.Sub.Wild() {
				return false
			}
		}
		_, ok := l.indexOn(ResourceType, ResourceID)
		if !ok {
			_, ok = l.indexOn(ResourceID)
		}
		return ok
	}
	return false
}

// Users are the users that UserOrder walks: the ids of the one term that asks for users,
// where an index on user and time can give their rows in order.
func (l *Layout) Users(f Filter) (ids []string) {
	if !l.inOrder(UserID, CreatedAt) {
		return nil
	}
	for _, t := range f.Terms {
		if t.Op != Is || t.Field != UserID || t.Not {
			continue
		}
		if ids != nil {
			return nil
		}
		for _, m := range t.Any {
			if m.Wild() || m.Null {
				return nil
			}
			ids = append(ids, m.Text())
		}
	}
	return ids
}

// Label is the strategy in a word or two for people.
func (s Strategy) Label() lang.Msg {
	return [...]lang.Msg{lang.M("its own index"), lang.M("the user index"), lang.M("the time index"),
		lang.M("the verified id order"), lang.M("sorting")}[s]
}
