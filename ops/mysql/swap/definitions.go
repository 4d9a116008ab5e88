package swap

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// definitions are the hashes of the definitions of a database's tables and other objects, by
// kind and name; with tables only those. One that this user may not read is left out. A view
// has no hash.
func definitions(ctx context.Context, c *sql.Conn, live string, tables []string) (map[string]string, error) {
	list, err := schema.Tables(ctx, c, live, tables...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, t := range list {
		if schema.Bookkeeping(t.Name) {
			continue
		}
		create, err := schema.CreateTable(ctx, c, t)
		if err != nil {
			return nil, err
		}
		out["table "+t.Name] = schema.Hash(create)[:defined]
	}
	if len(tables) > 0 {
		return out, nil
	}
	objects, err := schema.Objects(ctx, c, live)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.Kind == "view" { // a server can show it in another way after a restart
			out["view "+o.Name] = ""
			continue
		}
		switch err := o.ReadDefinition(ctx, c); {
		case errors.Is(err, schema.ErrHidden):
		case err != nil:
			return nil, err
		default:
			out[o.Kind+" "+o.Name] = o.Hash()[:defined]
		}
	}
	return out, nil
}

// sound reports whether no live table is damaged: opening one can end the server.
func sound(p *restore.Plan) bool {
	return !slices.ContainsFunc(p.Assessment.Tables, func(t restore.TableState) bool {
		return t.Exists && (t.Deadly || t.Broken())
	})
}

// defined is how many hex digits of a hash a mark keeps.
const defined = 16

// redefined names what was created, changed or dropped between two readings of definitions.
func redefined(live string, was, is map[string]string) []restore.Note {
	var made, changed, gone []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		switch hash, known := was[name]; {
		case !known:
			made = append(made, name)
		case hash != is[name]:
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, there := is[name]; !there {
			gone = append(gone, name)
		}
	}
	var notes []restore.Note
	say := func(m func(list string) lang.Msg, names []string) {
		if len(names) > 0 {
			notes = append(notes, restore.N(m(termsafe.Line(strings.Join(names, ", ")))))
		}
	}
	say(func(l string) lang.Msg { return lang.M("created in %s after the emergency backup: %s", live, l) }, made)
	say(func(l string) lang.Msg { return lang.M("changed in %s after the emergency backup: %s", live, l) }, changed)
	say(func(l string) lang.Msg { return lang.M("dropped in %s after the emergency backup: %s", live, l) }, gone)
	return notes
}
