package swap

import (
	"context"
	"database/sql"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// trialWait is how long what a plan tries waits for a lock of others.
const trialWait = 10 * time.Second

// surveyFrozen finds that another session lets nobody create anything, as FLUSH TABLES WITH
// READ LOCK does, and names it. What a plan tries would wait for it, each trial for itself; it
// is not tried then.
func (s *Surveyor) surveyFrozen(ctx context.Context, a *restore.Assessment, live string) {
	if a.Server.ReadOnly {
		return // nothing is tried
	}
	c := s.unlogged(ctx)
	if c == nil {
		return // nothing is tried
	}
	defer c.Close()
	name := restore.SideSchema(live, probeFrom, probeID())
	if err := holdOn(ctx, c, name); err != nil {
		return
	}
	begin := time.Now()
	err := try(ctx, c, "CREATE DATABASE "+restore.Name(name))
	if err == nil {
		err = try(ctx, c, "CREATE TABLE "+restore.Name(name, "t")+" (id INT PRIMARY KEY)")
		if mysql.Number(err) != mysql.ErrLockWaitTimeout { // else a drop would wait as long
			mysql.DropDatabase(context.WithoutCancel(ctx), c, name)
		}
	}
	if mysql.Number(err) != mysql.ErrLockWaitTimeout {
		return // what else prevents it, the trials tell
	}
	a.Frozen = true
	a.Findings = append(a.Findings, restore.Finding{
		State:  ops.StateCritical,
		Blocks: true,
		What: restore.N(lang.M("nothing can be created on the server: another session has held a lock for more "+
			"than %s; %s", human.Duration(time.Since(begin).Truncate(time.Second)), s.freezers(ctx, name))),
		Hint: restore.N(lang.M("end that session, or wait for it (it may be a backup), and try again")),
	})
}

// freezers names the sessions that hold a lock on all databases, or on the given one.
func (s *Surveyor) freezers(ctx context.Context, in string) lang.Msg {
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return holders{}.text()
	}
	defer c.Close()
	h, err := s.sessions.holdersOf(ctx, c, nil, in)
	if err != nil {
		return holders{}.text()
	}
	return h.text()
}

// unlogged is a connection whose statements are not written to the binlog, and wait for a lock
// for a short time: a plan writes nothing to it or to replicas. It is nil for a user who cannot
// turn the log off: nothing is tried then.
func (s *Surveyor) unlogged(ctx context.Context) *sql.Conn {
	c, err := s.conn(ctx, "", s.wait)
	if err != nil {
		return nil
	}
	on, err := schema.One(ctx, c, "SELECT @@GLOBAL.log_bin")
	if err == nil && on != "0" {
		_, err = c.ExecContext(ctx, "SET SESSION sql_log_bin = 0")
	}
	if err != nil {
		c.Close()
		return nil
	}
	return c
}
