package load

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/sqlscan"
)

// leads follow what the views and routines of a dump lead to. Rows for a view over another
// database's table go into that table, and a function in a row runs when the row does.
type leads struct {
	views    map[string]lead // by lower-case name
	routines map[string]lead // by lower-case name
	calls    map[string]bool // words in the rows of one INSERT that may be functions, as written
}

// lead is what one view or routine leads to.
type lead struct {
	name    string
	outside string          // a schema other than the target that it names; "": none
	words   map[string]bool // all names in it, in lower case: true for those that may be routines
}

// learn records a view or routine that the dump creates, and forgets what it drops.
func (w *leads) learn(g *guard, p *sqlscan.Parsed) {
	name := strings.ToLower(p.Own().Name)
	switch {
	case p.Verb == "DROP" && (p.Kind == "VIEW" || p.Kind == "TABLE"):
		for _, r := range p.Refs {
			delete(w.views, strings.ToLower(r.Name))
		}
	case p.Verb == "CREATE" && p.Kind == "VIEW":
		if w.views == nil {
			w.views = map[string]lead{}
		}
		w.views[name] = g.lead(p)
	case p.Verb == "CREATE" && body(p) && p.Kind != "TRIGGER" && p.Kind != "EVENT":
		if w.routines == nil {
			w.routines = map[string]lead{}
		}
		old := w.routines[name] // a function and a procedure may have one name
		w.routines[name] = old.and(g.lead(p))
	}
}

// lead reads what the text of a view or routine names. A routine only reads
// information_schema.
func (g *guard) lead(p *sqlscan.Parsed) lead {
	w := lead{name: p.Own().Name, words: map[string]bool{}}
	for i := p.Body; i < p.Len(); i++ {
		if name, ok := p.Name(i); ok {
			call := p.Is(i+1, "(") || p.Is(i+1, ".") || p.Is(i-1, "CALL") // of a package: package.routine
			w.words[strings.ToLower(name)] = w.words[strings.ToLower(name)] || call
		}
	}
	for _, r := range p.Refs[1:] {
		if r.Qualified() && !g.ours(r.Schema) && !strings.EqualFold(r.Schema, "information_schema") {
			w.outside = r.Schema
		}
	}
	return w
}

func (l lead) and(other lead) lead {
	for word, call := range l.words {
		other.words[word] = other.words[word] || call
	}
	if other.outside == "" {
		other.outside = l.outside
	}
	return other
}

// leave returns the first of those that leads to another database, by itself or by
// others that it names.
func (w *leads) leave(from []lead) (found lead, leaves bool) {
	seen := map[string]bool{}
	for len(from) > 0 {
		next := from[0]
		from = from[1:]
		if next.outside != "" {
			return next, true
		}
		for _, word := range sorted(next.words) {
			key := fmt.Sprint(word, next.words[word])
			if seen[key] {
				continue
			}
			seen[key] = true
			from = append(from, w.named(word, next.words[word])...)
		}
	}
	return lead{}, false
}

// named returns the view of a name in lower case, and the routines if it may be theirs.
func (w *leads) named(name string, call bool) (list []lead) {
	if view, ok := w.views[name]; ok {
		list = append(list, view)
	}
	if routine, ok := w.routines[name]; ok && call {
		list = append(list, routine)
	}
	return list
}

// refuseLead refuses a statement that would change another database through a view or
// routine of the dump.
func (g *guard) refuseLead(p *sqlscan.Parsed) lang.Msg {
	if len(g.leads.views)+len(g.leads.routines) == 0 {
		return lang.Msg{}
	}
	var from []lead
	switch p.Verb {
	case "INSERT", "REPLACE", "DELETE", "TRUNCATE":
		if view, ok := g.leads.views[strings.ToLower(p.Own().Name)]; ok {
			from = append(from, view)
		}
		for _, word := range sorted(g.leads.calls) {
			from = append(from, g.leads.named(strings.ToLower(word), true)...)
		}
	case "ALTER": // only MariaDB: a view may get another name by it
		if _, ok := g.leads.views[strings.ToLower(p.Own().Name)]; ok && p.Kind == "TABLE" {
			return unknownStatement(p)
		}
	case "CREATE":
		if p.Kind == "TABLE" && selects(p) {
			from = append(from, g.lead(p))
		}
	}
	if w, leaves := g.leads.leave(from); leaves {
		return lang.M("it would change the database %q by way of %s: %s", w.outside, w.name, firstWords(string(p.SQL)))
	}
	return lang.Msg{}
}

// selects tells whether a CREATE TABLE fills the table from a query.
func selects(p *sqlscan.Parsed) bool {
	for i := p.Body; i < p.Len(); i++ {
		if p.Any(i, "SELECT", "TABLE", "WITH", "VALUES") {
			return true
		}
	}
	return false
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// called records a word that may be a function of the dump, in the rows of an INSERT.
func (w *leads) called(word []byte) {
	if w.calls[string(word)] || len(w.views)+len(w.routines) == 0 {
		return
	}
	if w.calls == nil {
		w.calls = map[string]bool{}
	}
	w.calls[string(word)] = true
}
