// Package swap does a restore's part on the server: it assesses the target,
// loads beside the live schema or in place, verifies, exchanges the tables by
// one RENAME, and takes all that back. Every method looks at the actual state
// first, for the process that did it before may have died before it could say so.
package swap

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Job is one load of a backup file.
type Job struct {
	Path   string             // the backup
	From   string             // the database in the backup
	Schema string             // where it goes; statements that would land elsewhere are refused
	Tables []string           // empty: all
	Fresh  bool               // a former try's remains must not be taken up
	Live   bool               // the service's own schema: events keep their status
	Whole  func(table string) // is told each table that is wholly in, while others still load; it does not wait
}

// Loader loads a backup file. It is the engine.
type Loader interface {
	// Ready proves that the backup can be opened, before anything makes room for it.
	Ready(j Job) error
	// Load also names the events that it made disabled and the backup has enabled.
	Load(ctx context.Context, j Job, report run.Report) (l run.Loaded, enabled []string, err error)
}

// Server is the target's server. It is safe for use by one restore at a time.
type Server struct {
	Target mysql.Target
	Loader Loader
	Jobs   int    // connections for verification; 0 is 2
	Audit  string // the audit table's name, for what will be lost
	Log    Log    // opens the binary log, for a restore to a moment
	Folder func(id string) run.Folder
	// Prove proves that the backup of a plan is the one that was shown, where a load comes
	// in the place of a standby; nil: nobody asks.
	Prove func(context.Context, *restore.Plan, run.Report) ([]restore.Note, error)
	Marks string // file that remembers the tables which end the server when they are read; "": this process alone

	mariadb bool
	pool    *sql.DB
	checks  *verifier // of the load that goes on, or has just ended
	marks   marks
}

// Close ends the connections.
func (s *Server) Close() error {
	s.forget()
	if s.pool == nil {
		return nil
	}
	err := s.pool.Close()
	s.pool = nil
	return err
}

// db is the pool without a default schema. Reconnecting is left to it: a server
// that was restarted in between is found again.
func (s *Server) db(ctx context.Context) (*sql.DB, error) {
	if s.pool != nil {
		return s.pool, nil
	}
	pool, err := mysql.Open(ctx, s.Target, "", func(c *driver.Config) {
		c.InterpolateParams = true
		c.Params["sql_mode"] = "''"
	})
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(surveyJobs + 1)
	pool.SetConnMaxIdleTime(30 * time.Second)
	if s.mariadb, err = schema.IsMariaDB(ctx, pool); err != nil {
		pool.Close()
		return nil, mysql.Explain(err, s.Target)
	}
	s.pool = pool
	return pool, nil
}

// conn is a connection of one's own, in the given schema ("" for none), with a
// bound on waits for locks.
func (s *Server) conn(ctx context.Context, in string, wait time.Duration) (*sql.Conn, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, mysql.Explain(err, s.Target)
	}
	setup := []string{
		fmt.Sprintf("SET SESSION lock_wait_timeout = %d", restore.LockSeconds(wait)),
		"SET SESSION foreign_key_checks = 1",
		"SET NAMES utf8mb4",
		"SET SESSION time_zone = '+00:00'",
		"SET SESSION sql_mode = ''",
	}
	if in != "" {
		setup = append(setup, "USE "+restore.Name(in))
	}
	for _, q := range setup {
		if _, err := c.ExecContext(ctx, q); err != nil {
			c.Close()
			return nil, mysql.Explain(err, s.Target)
		}
	}
	return c, nil
}

// exists tells whether a schema is there.
func exists(ctx context.Context, q schema.Querier, name string) (bool, error) {
	rows, err := schema.All(ctx, q, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", name)
	return len(rows) > 0, err
}

// tables are the names of all that RENAME can move: tables and sequences, but no
// views, and not the list of a load that was broken off.
func tables(ctx context.Context, q schema.Querier, in string) ([]string, error) {
	rows, err := schema.All(
		ctx,
		q,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT IN ('VIEW', "+
			"'SYSTEM VIEW') AND TABLE_NAME NOT IN (?, ?) ORDER BY TABLE_NAME",
		in,
		load.ProgressTable,
		replay.Table,
	)
	if err != nil {
		return nil, fmt.Errorf("list the tables of %s: %w", in, err)
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r[0]
	}
	return names, nil
}

func has(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// Check proves that server, schema and tables are those of the plan.
func (s *Server) Check(ctx context.Context, p *restore.Plan) ([]restore.Note, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	server, err := s.server(ctx, db)
	if err != nil {
		return nil, err
	}
	if server.Identity != p.Target.Identity {
		return nil, ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the server is not the one in the plan")).
			WithHint(lang.M("make a new plan"))
	}
	have, err := tables(ctx, db, p.Target.Database)
	if err != nil {
		return nil, err
	}
	want := p.Leaving
	if p.Mode != restore.Into && len(p.Tables) > 0 {
		have = only(have, p.Tables)
	}
	if !same(have, want) {
		return nil, ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the tables of %s changed since the plan was made", p.Target.Database)).
			WithHint(lang.M("make a new plan"))
	}
	return []restore.Note{
		restore.N(lang.M("server, database and %s tables are as planned", fmt.Sprint(len(have)))),
	}, nil
}

func only(names, wanted []string) []string {
	var out []string
	for _, n := range names {
		if has(wanted, n) {
			out = append(out, n)
		}
	}
	return out
}

func same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, n := range a {
		if !has(b, n) {
			return false
		}
	}
	return true
}
