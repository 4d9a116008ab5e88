package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// statsChunk is how many rows one counting query reads.
const statsChunk = 100_000

// Stats counts the rows that pass a filter, in the server, a bounded stretch
// of ids at a time. leave lets it read more rows than the configuration says.
func (s *Source) Stats(ctx context.Context, req audit.StatsRequest, leave bool,
	report func(ops.Progress)) (audit.Stats, error) {
	out := audit.Stats{Since: req.Filter.Since, Until: req.Filter.Until}
	c := &counter{
		s:         s,
		req:       req,
		out:       &out,
		actions:   audit.NewTally(),
		resources: audit.NewTally(),
		users:     audit.NewTally(),
		hours:     map[int64]int64{},
	}
	begun := time.Now()
	err := s.lane.with(ctx, func(ctx context.Context, q *session) error {
		report := func(read, of int64) {
			if out.Scanned = read; report != nil {
				report(
					ops.Progress{
						Phase:    "count",
						Done:     read,
						Total:    max(of, read),
						Unit:     "rows",
						Rows:     out.Rows,
						Elapsed:  time.Since(begun),
						Estimate: true,
					},
				)
			}
		}
		way, missing, err := s.order.way(ctx, q, req.Filter)
		switch {
		case err != nil:
			return err
		case missing > 0:
			return &audit.UnprovedError{Rows: missing}
		case way == audit.ZoneOrder:
			return c.byZones(ctx, q, leave, report)
		}
		return c.alongRoute(ctx, q, leave, report)
	})
	c.finish()
	return out, s.lane.asked(err)
}

// counter gathers the counts of stretches.
type counter struct {
	s                         *Source
	req                       audit.StatsRequest
	out                       *audit.Stats
	actions, resources, users *audit.Tally
	hours                     map[int64]int64 // by the hour's start on the column's clock, in hours since 1970
}

// byZones counts the ids that a span of time can have, by the zones, a bounded
// stretch at a time.
func (c *counter) byZones(ctx context.Context, q *session, leave bool, report func(read, of int64)) error {
	s := c.s
	since, until := c.req.Filter.Span(s.r.layout)
	ranges, rows := s.order.zones.Ranges(since, until, statsChunk)
	if rows > s.r.opt.MaxRows && !leave {
		return s.r.tooMuch(audit.Estimate{Rows: rows, Key: s.r.layout.KeyIndex().Name}, c.req.Filter)
	}
	var read int64
	for _, one := range ranges {
		if err := c.count(ctx, q, s.r.span(s.r.filter(c.req.Filter), one), s.r.byKey()); err != nil {
			return err
		}
		read += one.Rows
		report(read, rows)
	}
	return nil
}

// alongRoute counts by an index or along the key, a stride at a time.
func (c *counter) alongRoute(ctx context.Context, q *session, leave bool, report func(read, of int64)) error {
	s := c.s
	w := s.r.filter(c.req.Filter)
	e, err := s.r.estimate(ctx, q, "SELECT COUNT(*) FROM "+s.r.name()+w.String(), w.args)
	if err == nil && !leave && e.Rows > s.r.opt.MaxRows {
		err = s.r.tooMuch(e, c.req.Filter)
	}
	if err != nil {
		return err
	}
	way, err := s.order.route(ctx, q, c.req.Filter)
	if err != nil {
		return err
	}
	if way.few {
		defer func() { report(e.Rows, e.Rows) }()
		return c.count(ctx, q, w, "")
	}
	var read int64
	for at := (mark{}); !at.End; {
		to, err := way.stride(ctx, q, at, statsChunk)
		if err != nil {
			return err
		}
		before := c.out.Rows
		if err := c.count(ctx, q, way.between(at, to), way.hint()); err != nil {
			return err
		}
		if at = to; at.End {
			read += c.out.Rows - before
		} else {
			read += statsChunk
		}
		report(read, max(e.Rows, c.out.Rows))
	}
	return nil
}

func (c *counter) count(ctx context.Context, q *session, w *where, hint string) error {
	s := c.s
	resource := "NULL"
	user := "NULL"
	name := "NULL"
	if s.r.layout.Has(audit.ResourceType) {
		resource = s.r.col(audit.ResourceType)
	}
	if s.r.layout.Has(audit.UserID) {
		user = s.r.col(audit.UserID)
	}
	if s.r.layout.Has(audit.UserName) {
		name = s.r.col(audit.UserName)
	}
	from := " FROM " + s.r.name() + hint + w.String()
	err := c.groups(
		ctx,
		q,
		"SELECT "+list3(s.r.col(audit.Action), resource, "COUNT(*)")+from+" GROUP BY 1, 2",
		w.args,
		func(a, b sql.NullString, n int64) error {
			c.out.Rows += n
			c.actions.Add(a.String, "", n)
			c.resources.Add(b.String, "", n)
			return nil
		},
	)
	if err != nil {
		return err
	}
	if user != "NULL" || name != "NULL" {
		err = c.groups(
			ctx,
			q,
			"SELECT "+list3(user, "MAX("+name+")", "COUNT(*)")+from+" GROUP BY 1",
			w.args,
			func(a, b sql.NullString, n int64) error {
				if user == "NULL" {
					a, b = b, sql.NullString{}
				}
				c.users.Add(a.String, b.String, n)
				return nil
			},
		)
	}
	if err != nil {
		return err
	}
	hour := fmt.Sprintf("DATE_FORMAT(%s, '%%Y-%%m-%%d %%H:00:00')", s.r.col(audit.CreatedAt))
	return c.groups(
		ctx,
		q,
		"SELECT "+list3(hour, "NULL", "COUNT(*)")+from+" GROUP BY 1",
		w.args,
		func(a, _ sql.NullString, n int64) error {
			if !a.Valid {
				return nil
			}
			at, err := audit.ParseStamp(a.String)
			if err == nil && at > audit.NoStamp+1 {
				c.hours[int64(at)] += n
			}
			return err
		},
	)
}

func (c *counter) groups(ctx context.Context, q *session, query string, args []any,
	take func(a, b sql.NullString, n int64) error) error {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b sql.NullString
		var n int64
		if err := rows.Scan(&a, &b, &n); err != nil {
			return err
		}
		if err := take(a, b, n); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *counter) finish() {
	zone := c.req.Zone
	if zone == nil {
		zone = time.UTC
	}
	c.out.ByAction, c.out.ByResource, c.out.ByUser = c.actions.Top(0), c.resources.Top(
		c.req.Top,
	), c.users.Top(c.req.Top)
	for at, n := range c.hours {
		start := audit.Stamp(at).Moment(c.s.r.layout.Zone).In(zone)
		c.out.ByHour = append(c.out.ByHour, audit.Hour{Start: start, Rows: n})
		c.out.AddHour(start, n)
	}
	sortHours(c.out.ByHour)
}

func sortHours(hours []audit.Hour) {
	sort.Slice(hours, func(i, j int) bool { return hours[i].Start.Before(hours[j].Start) })
}

func list3(a, b, c string) string { return a + ", " + b + ", " + c }
