package main

import (
	"context"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/site/reading"
)

// advise says, where nothing was found, what may have been meant.
func (r *logsRun) advise(ctx context.Context, sources []logs.Source) {
	if m := r.query.Advice(); !m.Empty() {
		r.app.note(m)
	}
	asked := r.query.FieldNames()
	if len(asked) == 0 || r.streamed(sources) != nil {
		return
	}
	names := reading.FieldNames(ctx, r.scan, sources)
	for _, name := range asked {
		if slices.Contains(names, name) {
			continue
		}
		if near := query.Near(name, names); len(near) > 0 {
			r.app.note(lang.M("no field %s was found; there are: %s", name, strings.Join(near, ", ")))
		}
	}
}
