package auditlog

import (
	"context"
	"time"

	"opsdeck/ops/audit"
)

const (
	overlapIDs  = 64              // ids read again for rows that were committed late
	overlapTime = 5 * time.Second // the same where rows are read by time
)

// After reads the rows that came behind a place, at most limit of them, oldest
// first, for a live list; and some before it again, for rows that were
// committed late. A table whose key does not count up is asked by time, and
// fails with *audit.TooMuchError where that would read much.
func (s *Source) After(ctx context.Context, f audit.Filter, top audit.Pos, limit int) ([]audit.Row, error) {
	var out []audit.Row
	err := s.lane.with(ctx, func(ctx context.Context, q *session) (err error) {
		w := s.r.filter(f)
		if s.r.layout.Numbered() {
			w.add(s.r.col(audit.ID)+" > ?", top.ID-overlapIDs)
			out, err = s.r.chosen(ctx, q, s.r.byKey(), w, s.r.col(audit.ID), limit)
			return err
		}
		if top.At > audit.NoStamp+1 {
			w.add(s.r.col(audit.CreatedAt)+" >= ?", (top.At - audit.Stamp(overlapTime/time.Microsecond)).String())
		}
		query := s.r.selectRows("", w, s.r.orderBy(""), limit)
		if err := s.r.guard(ctx, q, f, query, w.args); err != nil {
			return err
		}
		out, err = s.r.chosen(ctx, q, "", w, s.r.orderBy(""), limit)
		return err
	})
	return out, s.lane.asked(err)
}
