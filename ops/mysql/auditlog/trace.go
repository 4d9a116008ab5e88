package auditlog

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// maxTrace is how many rows of one resource's life are read, and maxTraceBytes how much of
// their text: both are held in memory.
const (
	maxTrace      = 20_000
	maxTraceBytes = 64 << 20
)

// Trace reads the life of a resource under all its names, oldest row first, at
// most maxTrace rows and, where an index leads to them, maxTraceBytes.
// Where no index leads to them, that is a scan: asked for first, and report is
// told how far it is.
func (s *Source) Trace(ctx context.Context, resourceType, id string, leave bool,
	report func(ops.Progress)) (audit.Trace, error) {
	t := audit.Trace{Type: resourceType, ID: id}
	if !s.r.layout.Has(audit.ResourceType) || !s.r.layout.Has(audit.ResourceID) {
		return t, ops.E(ops.Config, lang.M("the table %s does not record resources", s.r.layout.Table)).
			WithHint(lang.M("name the columns under audit.columns in the configuration, e.g. created_at: logged_on"))
	}
	sub := audit.Exactly(id)
	term := audit.Term{Op: audit.Resource, Field: audit.ResourceType}
	for _, name := range s.r.opt.Aliases.Of(resourceType) {
		m := audit.Exactly(name)
		m.Sub = &sub
		term.Any = append(term.Any, m)
	}
	f := audit.Filter{Terms: []audit.Term{term}}
	r := *s.r
	r.room = &room{left: maxTraceBytes}
	err := s.lane.with(ctx, func(ctx context.Context, q *session) (err error) {
		t.Timeline, err = r.life(ctx, q, f, leave, report)
		return err
	})
	cut := len(t.Timeline) > maxTrace || r.room.full
	if len(t.Timeline) > maxTrace {
		t.Timeline = t.Timeline[:maxTrace]
	}
	t.Summary = audit.Summarize(t.Timeline)
	t.Summary.Cut = cut
	return t, s.lane.asked(err)
}

func (r *reader) life(ctx context.Context, q *session, f audit.Filter, leave bool,
	report func(ops.Progress)) ([]audit.Row, error) {
	w := r.filter(f)
	query := r.selectRows("", w, r.orderBy(""), maxTrace+1)
	e, err := r.weigh(ctx, q, f, query, w.args)
	switch {
	case err != nil:
		return nil, err
	case e.Rows > r.opt.MaxRows && !leave:
		return nil, r.tooMuch(e, f)
	case !r.sweeps(e):
		return r.chosen(ctx, q, "", w, r.orderBy(""), maxTrace+1)
	}
	whole := *r
	whole.room = nil // a sweep merges the rows of all its strides
	all := sweep{r: &whole, filter: f, limit: maxTrace + 1}
	begun := time.Now()
	if report != nil {
		all.progress = func(rows int64) {
			report(
				ops.Progress{
					Phase:    "search",
					Object:   r.opt.Table,
					Done:     rows,
					Total:    max(rows, r.rows),
					Unit:     "rows",
					Rows:     rows,
					Elapsed:  time.Since(begun),
					Estimate: true,
				},
			)
		}
	}
	return all.run(ctx, q)
}
