// Package swap does the server part of a restore: it assesses the target, loads next to
// the live database or in place, verifies, swaps the tables with one RENAME, and reverts
// all that. Every method first checks the actual state, because the process that did the
// work before may have died before it could report.
package swap

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Job is one load of a backup file.
type Job struct {
	Path   string   // the backup
	From   string   // the database in the backup
	Schema string   // the target; statements that would affect other databases are refused
	Tables []string // empty means all
	// Without are objects of the backup to leave out, each as "table x", "view y" …
	Without []string
	Fresh   bool               // the remains of an earlier try must not be used
	Live    bool               // the service's own database: events keep their status
	Apart   bool               // the target stays beside the live database, as in load.Options
	Off     []string           // events that are disabled there now, and stay so
	Whole   func(table string) // called for each completely loaded table, while others still load; it does not wait
}

// Loader loads a backup file. It is the engine.
type Loader interface {
	// Ready verifies that the backup can be opened, before anything makes room for it.
	Ready(j Job) error
	// Load also returns the events that it created disabled and that are enabled in the
	// backup.
	Load(ctx context.Context, j Job, report run.Report) (l run.Loaded, enabled []string, err error)
}

// Settings configure a Server.
type Settings struct {
	Target mysql.Target
	Loader Loader
	Jobs   int    // connections for verification; 0 is 2
	Audit  string // name of the audit table, for reports of losses
	Log    Log    // opens the binlog, for a restore to a moment
	Folder func(id string) run.Folder
	// Prove verifies that the backup of a plan is the one that was shown, if it is loaded
	// instead of a standby; nil skips this.
	Prove func(context.Context, *restore.Plan, run.Report) ([]restore.Note, error)
	// Others says that others wrote to the standby of a plan; nil skips this.
	Others func(context.Context, *restore.Plan) (lang.Msg, error)
	// Bound is a restore that was begun: a server that is not the one of its plan is refused.
	// nil takes every server.
	Bound *restore.Plan
	Marks string // file that remembers the tables which end the server when they are read; "": this process alone
	// TrialWait is how long what a plan tries waits for a lock of others; 0 is trialWait.
	TrialWait time.Duration
}

// Server is the target server with the operations of a restore. It may be used by one
// restore at a time.
type Server struct {
	*link

	Facts    *Facts
	Damage   *Damage
	Sessions *Sessions
	Writes   *Writes
	Surveyor *Surveyor
	Losses   *Losses
	Checks   *Verification
	Exchange *Exchange
	Cleaning *Cleaning
	Loading  *Loading
	Standby  *Standby
}

// New prepares the parts. It does not connect yet.
func New(s Settings) *Server {
	l := &link{Target: s.Target, bound: s.Bound}
	facts := &Facts{link: l}
	damage := &Damage{link: l, facts: facts, file: s.Marks}
	sessions := &Sessions{link: l}
	losses := &Losses{link: l, differ: &differ{link: l, loader: s.Loader}, damage: damage, audit: s.Audit, log: s.Log}
	checks := &Verification{link: l, jobs: s.Jobs, folder: s.Folder, loader: s.Loader, log: s.Log}
	counts := &numbering{link: l, damage: damage, log: s.Log}
	exchange := &Exchange{link: l, objects: &objects{link: l}, sessions: sessions, checks: checks, counters: counts}
	cleaning := &Cleaning{link: l, sessions: sessions, checks: checks, exchanger: exchange}
	loading := &Loading{
		link:     l,
		loader:   s.Loader,
		sessions: sessions,
		checks:   checks,
		cleaning: cleaning,
		counters: counts,
		rolling:  &rolling{link: l, checks: checks, log: s.Log},
		standIn:  &standbyChoice{log: s.Log, prove: s.Prove, others: s.Others},
	}
	return &Server{
		link:     l,
		Facts:    facts,
		Damage:   damage,
		Sessions: sessions,
		Writes:   &Writes{link: l, loader: s.Loader},
		Surveyor: &Surveyor{link: l, facts: facts, damage: damage, sessions: sessions, losses: losses,
			wait: cmp.Or(s.TrialWait, trialWait)},
		Losses:   losses,
		Checks:   checks,
		Exchange: exchange,
		Cleaning: cleaning,
		Loading:  loading,
		Standby:  &Standby{link: l, loader: s.Loader, sessions: sessions, checks: checks, loading: loading},
	}
}

// Close closes the connections, and ends a verification that nobody will ask for.
func (s *Server) Close() error {
	s.Checks.forget()
	return s.end()
}

// Database is the server in the form that a restore's crew uses.
func (s *Server) Database() run.Database {
	return run.Database{
		Looker:    s.Surveyor,
		Sessions:  s.Sessions,
		Writes:    s.Writes,
		Waits:     s.Sessions,
		Locks:     &locks{link: s.link, sessions: s.Sessions},
		Loader:    s.Loading,
		Verifier:  s.Checks,
		Exchanger: s.Exchange,
		Exporter:  s.Losses,
		Uncounted: s.Losses,
		Losses:    s.Losses,
		Cleaner:   s.Cleaning,
	}
}

// exists reports whether a database exists.
func exists(ctx context.Context, q schema.Querier, name string) (bool, error) {
	rows, err := schema.All(ctx, q, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", name)
	return len(rows) > 0, err
}

// tables lists everything that RENAME can move: tables and sequences, but no views, and
// not the progress table of an interrupted load.
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
