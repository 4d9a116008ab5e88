package reading

import (
	"context"
	"maps"
	"opsdeck/internal/jsontext"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"slices"
	"strings"
)

// fieldEvents is how many events are read for the names of their fields.
const fieldEvents = 2000

// FieldNames are the names of the fields of the newest events, nested ones with points.
func FieldNames(ctx context.Context, like index.Scan, sources []logs.Source) []string {
	scan := index.Scan{
		Query:      &query.Query{},
		Zone:       like.Zone,
		Now:        like.Now,
		Newest:     true,
		Unnumbered: true,
		Styles:     like.Styles,
	}
	p := line.NewParser(like.Zone, like.Now)
	found := map[string]bool{}
	n := 0
	_ = scan.Each(ctx, sources, func(h *index.Hit) error { // what cannot be read was told before
		e, err := scan.Event(p, h)
		if err != nil {
			return err
		}
		for _, f := range e.Fields {
			addNames(found, f.Key, f.Value, f.JSON)
		}
		if n++; n >= fieldEvents {
			return index.ErrEnough
		}
		return nil
	})
	return slices.Sorted(maps.Keys(found))
}

func addNames(found map[string]bool, name, value string, nested bool) {
	found[name] = true
	if !nested || !strings.HasPrefix(value, "{") || strings.Count(name, ".") > 4 {
		return
	}
	pairs, _ := jsontext.Pairs(value)
	for _, p := range pairs {
		addNames(found, name+"."+p.Key, p.Value, true)
	}
}
