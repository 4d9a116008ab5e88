package swap

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// lookLimit bounds how long one table may be looked at, for its rows and for newer ones;
// after it an estimate has to do. Tests want none.
var lookLimit = 4 * time.Second

// lossTime bounds how long all tables of a plan together are compared; what is left
// then is looked at by the age of its rows.
const lossTime = 30 * time.Second

// loss fills in what is newer than the backup, for the tables in scope: rows that
// are new, rows that were changed, and tables that would vanish.
func (s *Server) loss(ctx context.Context, a *restore.Assessment, live string, src restore.Source, scope []string) {
	known := s.describe(ctx, live)
	found := s.lossesOf(ctx, a, known, src, scope)
	for _, t := range a.Tables {
		if !t.Exists || len(scope) > 0 && !has(scope, t.Name) {
			continue
		}
		if !t.InBackup && src.Manifest {
			a.Loss.Tables = append(
				a.Loss.Tables,
				restore.LossTable{
					Table:    t.Name,
					Newer:    max(t.Rows, 0),
					Estimate: t.Estimate,
					How:      "count",
					Vanishes: true,
				},
			)
			continue
		}
		if t.Engine == "SEQUENCE" { // it has a next value, and no rows to lose
			continue
		}
		one := found[t.Name]
		if one == nil {
			a.Loss.Unknown = append(a.Loss.Unknown, t.Name)
			continue
		}
		one.Blind = one.Blind && one.Table != s.Audit // its rows are only added
		a.Loss.See(*one)
	}
	s.lossPeople(ctx, a, live, src.At)
}

// lossesOf looks at several tables at a time; those that nothing can be said of
// are left out.
func (s *Server) lossesOf(
	ctx context.Context,
	a *restore.Assessment,
	known map[string]*schema.Table,
	src restore.Source,
	scope []string,
) map[string]*restore.LossTable {
	out := map[string]*restore.LossTable{}
	var look []restore.TableState
	var list []*schema.Table
	for _, t := range a.Tables {
		if !t.Exists || len(scope) > 0 && !has(scope, t.Name) || !t.InBackup && src.Manifest || t.Broken() ||
			known[t.Name] == nil {
			continue
		}
		look = append(look, t)
		list = append(list, known[t.Name])
	}
	timed, cancel := context.WithTimeout(ctx, lossTime+lookLimit)
	defer cancel()
	cmp := s.comparer(src, nil)
	s.ahead(timed, cmp, list, src)
	var mu sync.Mutex
	g := errgroup.Group{}
	g.SetLimit(surveyJobs)
	for i, t := range look {
		g.Go(func() error {
			if one, ok := s.lossOf(ctx, timed, cmp, list[i], t, src); ok {
				mu.Lock()
				defer mu.Unlock()
				out[t.Name] = &one
			}
			return nil
		})
	}
	g.Wait()
	return out
}

// ahead reads a dump that is one stream once for all tables. That it cannot be done
// in time is seen when each table is compared.
func (s *Server) ahead(ctx context.Context, cmp *compare, list []*schema.Table, src restore.Source) {
	if cmp == nil || src.Indexed {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := cmp.ahead(bounded, list); err != nil {
		cmp.unread = err
	}
}

// describe reads the columns and keys of all tables; those that cannot be read
// are left out.
func (s *Server) describe(ctx context.Context, in string) map[string]*schema.Table {
	out := map[string]*schema.Table{}
	db, err := s.db(ctx)
	if err != nil {
		return out
	}
	list, err := schema.Tables(ctx, db, in)
	if err != nil {
		return out
	}
	for _, t := range list {
		out[t.Name] = t
	}
	return out
}

// lossOf compares a table with the backup where that takes little time; of another
// one it tells what the age of its rows tells. timed bounds the comparisons of all.
func (s *Server) lossOf(
	ctx, timed context.Context,
	cmp *compare,
	t *schema.Table,
	state restore.TableState,
	src restore.Source,
) (restore.LossTable, bool) {
	if state.Rows <= countLimit && timed.Err() == nil {
		bounded, cancel := context.WithTimeout(timed, lookLimit)
		defer cancel()
		if one, ok := s.exactly(bounded, cmp, t, src, nil); ok {
			return one, true
		}
	}
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	stored, _ := src.Table(state.Name)
	if one, ok := s.byAge(bounded, t, stored, src.At); ok {
		return one, true
	}
	more := max(0, state.Rows-state.BackupRows)
	if state.BackupRows < 0 || state.Rows < 0 || more == 0 {
		return restore.LossTable{}, false // as many rows, or fewer, can be other ones
	}
	return restore.LossTable{Table: state.Name, Newer: more, Estimate: true, How: "count", Blind: true}, true
}

// exactly tells by the rows themselves what the backup does not have; ok is false
// where they cannot be compared.
func (s *Server) exactly(
	ctx context.Context,
	cmp *compare,
	t *schema.Table,
	src restore.Source,
	sink rowSink,
) (restore.LossTable, bool) {
	out := restore.LossTable{Table: t.Name, How: "rows"}
	stored, _ := src.Table(t.Name)
	if same, err := s.same(ctx, t, stored); same && err == nil {
		return out, true
	}
	if cmp == nil || cmp.unread != nil {
		return out, false
	}
	f, err := cmp.table(ctx, t, sink)
	if err != nil {
		return out, false
	}
	out.Newer, out.Changed, out.Blind = f.newer, f.changed, f.partly
	out.Vanishes = f.absent && !src.Manifest
	return out, true
}

// byAge tells what columns of times, or a key that grows, tell of new rows. That they
// tell of none does not say that there are none: ok is false then.
func (s *Server) byAge(
	ctx context.Context,
	t *schema.Table,
	stored restore.SourceTable,
	since time.Time,
) (restore.LossTable, bool) {
	out := restore.LossTable{Table: t.Name}
	n, err := s.newer(ctx, t, stored, since)
	if err != nil || n.how == "" {
		return out, false
	}
	if err := n.count(ctx, s, &out); err != nil || out.Newer+out.Changed == 0 {
		return out, false
	}
	out.Estimate, out.Blind = true, true
	return out, true
}

// zone is how far the server's clock on the wall is ahead of UTC.
func (s *Server) zone(ctx context.Context, db *sql.DB) time.Duration {
	text, err := schema.One(ctx, db, "SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) / 60)")
	if err != nil {
		return 0
	}
	minutes, _ := strconv.Atoi(text)
	return time.Duration(minutes) * time.Minute
}

// lossPeople names who acted since, by the audit rows: newest first by key, for
// created_at has no index there.
func (s *Server) lossPeople(ctx context.Context, a *restore.Assessment, live string, since time.Time) {
	if s.Audit == "" ||
		slices.ContainsFunc(a.Tables, func(t restore.TableState) bool { return t.Name == s.Audit && t.Broken() }) {
		return
	}
	t := s.describe(ctx, live)[s.Audit]
	if t == nil {
		return
	}
	n, err := s.newer(ctx, t, restore.SourceTable{}, since)
	if err != nil || n.created == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	newest := "(SELECT * FROM " + restore.Name(live, s.Audit) + " ORDER BY id DESC LIMIT 20000) a WHERE " + n.created
	a.Loss.Users = s.people(
		ctx,
		c,
		"SELECT COALESCE(user_name, user_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
		"SELECT user_id, COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
	)
	a.Loss.Resources = s.people(
		ctx,
		c,
		"SELECT CONCAT(resource_type, ':', resource_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 "+
			"LIMIT 20",
	)
}

// people runs the first query that the table's shape allows.
func (s *Server) people(ctx context.Context, c *sql.Conn, queries ...string) []string {
	for _, q := range queries {
		rows, err := schema.All(ctx, c, q)
		if err != nil {
			continue
		}
		var out []string
		for _, r := range rows {
			out = append(out, r[0]+" ("+r[1]+")")
		}
		return out
	}
	return nil
}
