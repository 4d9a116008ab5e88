package dump

import (
	"strings"

	"opsdeck/ops/mysql/schema"
)

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
