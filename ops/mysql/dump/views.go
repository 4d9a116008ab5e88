package dump

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// worksByItself tells whether a view that the server does not open would work if the definers
// of the views below it existed and could read: a load creates such a view, so it is no broken
// one. MySQL does not open it after a restore. The view's query is read with those of the views
// below in their place, by the rights of this user.
func worksByItself(ctx context.Context, q *sql.Conn, o *object) (columns []string, works bool) {
	var with []string
	seen := map[string]bool{o.Name: true}
	var below func(v *schema.Object) bool
	below = func(v *schema.Object) bool {
		for _, name := range quotedNames(v.Create) {
			if seen[name] {
				continue
			}
			seen[name] = true
			w := &schema.Object{Database: v.Database, Kind: "view", Name: name}
			switch err := w.ReadDefinition(ctx, q); {
			case slices.Contains(noView, mysql.Number(err)):
				continue
			case err != nil || w.Refused != "" || !below(w):
				return false
			}
			list, query, ok := viewQuery(w)
			if !ok {
				return false
			}
			with = append(with, schema.Ident(name)+list+" AS ("+query+")")
		}
		return true
	}
	list, query, ok := viewQuery(&o.Object)
	if !ok || !below(&o.Object) {
		return nil, false
	}
	with = append(with, schema.Ident(o.Name)+list+" AS ("+query+")")
	rows, err := q.QueryContext(ctx, "WITH "+strings.Join(with, ", ")+" SELECT * FROM "+schema.Ident(o.Name)+" LIMIT 0")
	if err != nil {
		return nil, false
	}
	defer rows.Close()
	columns, err = rows.Columns()
	return columns, err == nil && rows.Err() == nil
}

// noView are ER_NO_SUCH_TABLE and ER_WRONG_OBJECT, with which SHOW CREATE VIEW fails for a name
// that is a column's, a table's or an alias.
var noView = []uint16{1146, 1347}

// viewQuery is the query of a view as SHOW CREATE VIEW shows it, and its list of columns in
// brackets, if it has one.
func viewQuery(v *schema.Object) (list, query string, ok bool) {
	p, err := sqlscan.Parse([]byte(v.Create), sqlscan.ModeOf(v.SQLMode))
	if err != nil || p.Kind != "VIEW" {
		return "", "", false
	}
	i := p.Body
	if p.Is(i, "(") {
		for i < p.Len() && !p.Is(i, ")") {
			i++
		}
		i++
		list = v.Create[p.Tokens[p.Body].Start:p.Tokens[i-1].End]
	}
	last := p.Len()
	if p.Is(last-1, "OPTION") && p.Is(last-2, "CHECK") {
		last -= 3
		if p.Is(last, "CASCADED") || p.Is(last, "LOCAL") {
			last--
		}
	}
	if !p.Is(i, "AS") || i+1 >= last {
		return "", "", false
	}
	return list, v.Create[p.Tokens[i+1].Start:p.Tokens[last-1].End], true
}

// viewsInOrder puts views after those that they read from; all else keeps its order. A
// view WITH CHECK OPTION is refused over the placeholder of another.
//
// What a view reads from is found by the quoted names in its definition: the server quotes
// all of them. A column of the same name only makes the order stricter than necessary.
func viewsInOrder(objects []*object) []*object {
	views := map[string]*object{}
	for _, o := range objects {
		if o.Kind == "view" {
			views[o.Name] = o
		}
	}
	placed := map[*object]bool{}
	var ordered []*object
	var place func(o *object)
	place = func(o *object) {
		if placed[o] {
			return
		}
		placed[o] = true
		for _, name := range quotedNames(o.Create) {
			if v := views[name]; v != nil && o.Kind == "view" {
				place(v)
			}
		}
		ordered = append(ordered, o)
	}
	for _, o := range objects {
		place(o)
	}
	return ordered
}

// quotedNames lists the names in backticks, outside of strings.
func quotedNames(statement string) []string {
	var names []string
	for i := 0; i < len(statement); i++ {
		switch statement[i] {
		case '\'', '"', '`':
			end := schema.SkipQuoted(statement, i)
			if statement[i] == '`' && end < len(statement) {
				names = append(names, strings.ReplaceAll(statement[i+1:end], "``", "`"))
			}
			i = end
		}
	}
	return names
}
