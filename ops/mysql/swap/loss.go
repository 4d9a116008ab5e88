package swap

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// lookLimit limits the time for one table, for its rows and for newer ones; after it an
// estimate is used. Tests remove the limit.
var lookLimit = 4 * time.Second

// lossTime limits the comparison of all tables of a plan; the remaining tables are
// assessed by the age of their rows.
const lossTime = 30 * time.Second

// Losses finds out what a restore or undo loses, and exports it.
type Losses struct {
	*link
	differ *differ
	damage *Damage
	audit  string // name of the audit table
	log    Log
}

// loss records what is newer than the backup, for the tables in scope: new rows, changed
// rows, and tables that would be dropped.
func (x *Losses) loss(ctx context.Context, a *restore.Assessment, live string, src restore.Source, scope []string) {
	known := x.differ.describe(ctx, live)
	found := x.lossesOf(ctx, a, known, src, scope)
	for _, t := range a.Tables {
		if !t.Exists || len(scope) > 0 && !slices.Contains(scope, t.Name) {
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
		if t.Engine == "SEQUENCE" { // a sequence has a next value, and no rows to lose
			continue
		}
		one := found[t.Name]
		if one == nil {
			a.Loss.Unknown = append(a.Loss.Unknown, t.Name)
			continue
		}
		one.Blind = one.Blind && one.Table != x.audit // rows are only ever added to it
		a.Loss.See(*one)
	}
	x.lossPeople(ctx, a, live, src.At)
}

// lossesOf checks several tables in parallel and omits those without a result.
func (x *Losses) lossesOf(
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
		if !t.Exists || len(scope) > 0 && !slices.Contains(scope, t.Name) || !t.InBackup && src.Manifest ||
			t.Broken() ||
			known[t.Name] == nil {
			continue
		}
		look = append(look, t)
		list = append(list, known[t.Name])
	}
	timed, cancel := context.WithTimeout(ctx, lossTime+lookLimit)
	defer cancel()
	cmp := x.differ.comparer(src, nil)
	x.differ.ahead(timed, cmp, list, src)
	var mu sync.Mutex
	g := errgroup.Group{}
	g.SetLimit(surveyJobs)
	for i, t := range look {
		g.Go(func() error {
			if one, ok := x.lossOf(ctx, timed, cmp, list[i], t, src); ok {
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

// lossOf compares a table with the backup if that is quick; otherwise it uses the age of
// the rows. timed limits the comparisons of all tables.
func (x *Losses) lossOf(
	ctx, timed context.Context,
	cmp *compare,
	t *schema.Table,
	state restore.TableState,
	src restore.Source,
) (restore.LossTable, bool) {
	if state.Rows <= countLimit && timed.Err() == nil {
		bounded, cancel := context.WithTimeout(timed, lookLimit)
		defer cancel()
		if one, ok := x.differ.exactly(bounded, cmp, t, src, nil); ok {
			return one, true
		}
	}
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	stored, _ := src.Table(state.Name)
	if one, ok := x.differ.byAge(bounded, t, stored, src.At); ok {
		return one, true
	}
	more := max(0, state.Rows-state.BackupRows)
	if state.BackupRows < 0 || state.Rows < 0 || more == 0 {
		return restore.LossTable{}, false // the same number of rows, or fewer, may still be other rows
	}
	return restore.LossTable{Table: state.Name, Newer: more, Estimate: true, How: "count", Blind: true}, true
}

// lossPeople lists who acted since, from the audit rows: newest first by key, because
// created_at has no index there.
func (x *Losses) lossPeople(ctx context.Context, a *restore.Assessment, live string, since time.Time) {
	if x.audit == "" ||
		slices.ContainsFunc(a.Tables, func(t restore.TableState) bool { return t.Name == x.audit && t.Broken() }) {
		return
	}
	t := x.differ.describe(ctx, live)[x.audit]
	if t == nil {
		return
	}
	n, err := x.differ.newer(ctx, t, restore.SourceTable{}, since)
	if err != nil || n.created == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := x.conn(ctx, "", time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	newest := "(SELECT * FROM " + restore.Name(live, x.audit) + " ORDER BY id DESC LIMIT 20000) a WHERE " + n.created
	a.Loss.Users = x.people(
		ctx,
		c,
		"SELECT COALESCE(user_name, user_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
		"SELECT user_id, COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
	)
	a.Loss.Resources = x.people(
		ctx,
		c,
		"SELECT CONCAT(resource_type, ':', resource_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 "+
			"LIMIT 20",
	)
}

// people runs the first query that fits the table's columns.
func (x *Losses) people(ctx context.Context, c *sql.Conn, queries ...string) []string {
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
