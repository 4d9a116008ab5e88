package swap

import (
	"context"
	"database/sql"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// lookLimit bounds how long one table may be looked at, for its rows and for newer ones:
// behind it an estimate has to do. Tests want none.
var lookLimit = 4 * time.Second

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
			a.Loss.Tables = append(a.Loss.Tables, restore.LossTable{Table: t.Name, Newer: max(t.Rows, 0), Estimate: t.Estimate, How: "count", Vanishes: true})
			continue
		}
		one := found[t.Name]
		if one == nil {
			a.Loss.Unknown = append(a.Loss.Unknown, t.Name)
		} else {
			one.Blind = one.Blind && one.Table != s.Audit // its rows are only added
			a.Loss.See(*one)
		}
	}
	s.lossPeople(ctx, a, live, src.At)
}

// lossesOf looks at several tables at a time; those that nothing can be said of
// are left out.
func (s *Server) lossesOf(ctx context.Context, a *restore.Assessment, known map[string]*schema.Table, src restore.Source, scope []string) map[string]*restore.LossTable {
	out := map[string]*restore.LossTable{}
	var mu sync.Mutex
	g := errgroup.Group{}
	g.SetLimit(surveyJobs)
	for _, t := range a.Tables {
		if !t.Exists || len(scope) > 0 && !has(scope, t.Name) || !t.InBackup && src.Manifest {
			continue
		}
		g.Go(func() error {
			if one, ok := s.lossOf(ctx, known[t.Name], t, src); ok {
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

func (s *Server) lossOf(ctx context.Context, t *schema.Table, state restore.TableState, src restore.Source) (restore.LossTable, bool) {
	out := restore.LossTable{Table: state.Name, Estimate: true, How: "count"}
	if t != nil {
		bounded, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		stored, _ := src.Table(state.Name)
		if n, err := s.newer(bounded, t, stored, src.At); err == nil && n.how != "" {
			exact := out
			if err := n.count(bounded, s, &exact); err == nil {
				return exact, true
			}
		}
	}
	if state.BackupRows >= 0 && state.Rows >= 0 {
		out.Newer, out.Blind = max(0, state.Rows-state.BackupRows), true
		return out, true
	}
	return out, false
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
	if s.Audit == "" {
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
	a.Loss.Users = s.people(ctx, c, "SELECT COALESCE(user_name, user_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
		"SELECT user_id, COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20")
	a.Loss.Resources = s.people(ctx, c, "SELECT CONCAT(resource_type, ':', resource_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20")
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
