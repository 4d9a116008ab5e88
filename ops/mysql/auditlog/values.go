package auditlog

import (
	"context"
	"database/sql"
	"fmt"

	"opsdeck/ops/audit"
)

// sampleRows is how many of the newest rows the values for completion come from.
const sampleRows = 2000

// Values are the values that a field has among the newest rows and that begin
// with prefix, most frequent first.
func (s *Source) Values(ctx context.Context, f audit.Field, prefix string, limit int) ([]audit.Count, error) {
	if !s.r.layout.Has(f) {
		return nil, nil
	}
	label := "''"
	if f == audit.UserID && s.r.layout.Has(audit.UserName) {
		label = "MAX(n)"
	}
	name := "NULL"
	if s.r.layout.Has(audit.UserName) {
		name = s.r.col(audit.UserName)
	}
	query := fmt.Sprintf(
		"SELECT v, %s, COUNT(*) c FROM (SELECT %s v, %s n FROM %s LIMIT %d) t WHERE %s LIKE ? ESCAPE '!' GROUP BY v "+
			"ORDER BY c DESC, v LIMIT %d",
		label,
		s.r.asText(f),
		name,
		s.r.newest(),
		sampleRows,
		s.r.cast("v"),
		limit,
	)
	m := audit.Match{Parts: []string{prefix, ""}}
	var out []audit.Count
	err := s.lane.with(ctx, func(ctx context.Context, q *session) error {
		rows, err := q.query(ctx, query, s.r.folded(m.Like()))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c audit.Count
			var label sql.NullString
			if err := rows.Scan(&c.Value, &label, &c.Rows); err != nil {
				return err
			}
			c.Label = label.String
			out = append(out, c)
		}
		return rows.Err()
	})
	return out, s.lane.explain(err)
}
