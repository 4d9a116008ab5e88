package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Load loads the backup into the shadow schema, the emptied live schema, or the
// schema of the operator's choice.
func (s *Server) Load(
	ctx context.Context,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) (run.Loaded, error) {
	c, err := s.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return run.Loaded{}, err
	}
	defer c.Close()
	job := Job{Path: p.Source.Path, From: p.Source.Database, Schema: p.Loaded(), Tables: p.Tables}
	if p.Standby() == nil {
		if err := s.Loader.Ready(job); err != nil {
			return run.Loaded{}, err
		}
	}
	if err := s.alone(ctx, c, p, f); err != nil {
		return run.Loaded{}, err
	}
	turned, err := s.takes(ctx, c, p, f, report)
	if err != nil {
		return run.Loaded{}, err
	}
	goesOn, err := s.goesOn(ctx, c, p)
	if err != nil {
		return run.Loaded{}, err
	}
	var out run.Loaded
	if !goesOn {
		if out, err = s.load(ctx, c, p, f, job, report); err != nil {
			return run.Loaded{}, err
		}
	}
	if p.Source.Replay == nil {
		out.Notes = append(out.Notes, leftDisabled(p, f)...)
		return out, nil
	}
	out.Notes = append(turned, out.Notes...)
	notes, err := s.roll(ctx, c, p, f, report)
	if _, _, warm, known := start(p, f); known == nil && warm && spoilt(ctx, err) {
		why := restore.N(lang.M("the log could not be applied to it: %s", err.Error()))
		if _, err := s.refuse(ctx, c, p, f, why, report); err != nil {
			return run.Loaded{}, err
		}
		return s.Load(ctx, p, f, report)
	}
	if errors.Is(err, replay.ErrAgain) {
		if err := s.again(ctx, c, p); err != nil {
			return run.Loaded{}, err
		}
		return s.Load(ctx, p, f, report)
	}
	out.Notes = append(out.Notes, notes...)
	out.Notes = append(out.Notes, leftDisabled(p, f)...)
	return out, err
}

// leftDisabled names the events that a load into another database leaves disabled, so that
// they do not run twice, with the statement that enables each.
func leftDisabled(p *restore.Plan, f run.Folder) (notes []restore.Note) {
	if p.Mode != restore.Into {
		return nil
	}
	names, err := readEnabled(f)
	if err != nil {
		return nil
	}
	slices.Sort(names)
	for _, name := range names {
		notes = append(notes, restore.N(lang.M("the event %s is left disabled; to enable it: ALTER EVENT %s ENABLE",
			name, restore.Name(p.Loaded(), name))))
	}
	return notes
}

// load loads the backup, and readies it for a replay where there is one.
func (s *Server) load(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	job Job,
	report run.Report,
) (run.Loaded, error) {
	if p.Mode == restore.InPlace {
		if err := s.clear(ctx, c, p.Target.Database, p.Tables); err != nil {
			return run.Loaded{}, err
		}
		job.Fresh, job.Live = true, true
	} else if err := s.clearRemains(ctx, c, p, f); err != nil {
		return run.Loaded{}, err
	}
	job.Whole = s.foresee(p)
	loaded, enabled, err := s.Loader.Load(ctx, job, report)
	if err == nil && p.Mode != restore.InPlace {
		err = keepEnabled(f, enabled)
	}
	if err == nil && p.Source.Replay != nil {
		err = s.prepare(ctx, c, p, f, report)
	}
	if err != nil {
		s.forget()
	}
	return loaded, err
}

// clearRemains removes what a former try left in the schema that only this
// restore uses, unless the load can go on from there: when it had ended, and its
// worker died before it could say so, it is done anew. The first try finds its
// schema as the plan was checked, and what is there then is not ours.
func (s *Server) clearRemains(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	again, err := loadTried(f)
	if err != nil {
		return err
	}
	if !again {
		return s.firstTry(ctx, c, p, f)
	}
	rows, err := schema.All(
		ctx,
		c,
		"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		p.Loaded(),
		load.ProgressTable,
	)
	if err != nil || len(rows) > 0 {
		return err
	}
	if p.Mode == restore.Swap {
		return schema.DropDatabase(ctx, c, p.Shadow)
	}
	return s.clear(ctx, c, p.Target.Database, nil)
}

// triedFile says that this run began to load: what its schema held before is known to
// be nothing.
const triedFile = "load.tried"

func loadTried(f run.Folder) (bool, error) {
	_, err := os.Stat(filepath.Join(f.Path, triedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// firstTry marks that the load begins. A schema of the operator's choice must hold
// nothing then: all that is in it from now on may be removed again.
func (s *Server) firstTry(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	if p.Mode == restore.Into {
		held, err := schema.Inventory(ctx, c, p.Loaded())
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return ops.E(ops.Failed, lang.M("%s is no longer empty: it has the %s", p.Loaded(), held[0])).
				WithHint(lang.M("choose a database that does not exist or is empty"))
		}
	}
	return atomicfile.WriteBytes(filepath.Join(f.Path, triedFile), 0o600, nil)
}

// LoadBack empties the live schema and loads the emergency backup.
func (s *Server) LoadBack(
	ctx context.Context,
	p *restore.Plan,
	emergency string,
	report run.Report,
) (run.Loaded, error) {
	c, err := s.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return run.Loaded{}, err
	}
	defer c.Close()
	job := Job{
		Path:   emergency,
		From:   p.Target.Live,
		Schema: p.Target.Database,
		Tables: p.Tables,
		Fresh:  true,
		Live:   true,
	}
	if err := s.Loader.Ready(job); err != nil {
		return run.Loaded{}, err
	}
	s.forget()
	if err := s.clear(ctx, c, p.Target.Database, p.Tables); err != nil {
		return run.Loaded{}, err
	}
	loaded, _, err := s.Loader.Load(ctx, job, report)
	return loaded, err
}

// clear drops the tables in scope; the whole schema's objects too when the
// scope is the whole schema. What was made after the backup goes with it.
func (s *Server) clear(ctx context.Context, c *sql.Conn, name string, scope []string) error {
	there, err := exists(ctx, c, name)
	if err != nil || !there {
		return err
	}
	names, err := tables(ctx, c, name)
	if err != nil {
		return err
	}
	if len(scope) > 0 {
		names = only(names, scope)
	} else if err := s.clearObjects(ctx, c, name); err != nil {
		return err
	}
	names = append(names, load.ProgressTable, replay.Table) // of a load that was broken off
	if _, err := c.ExecContext(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, restore.DropStatement(name, names)); err != nil {
		return fmt.Errorf("drop the tables of %s: %w", name, err)
	}
	_, err = c.ExecContext(ctx, "SET SESSION foreign_key_checks = 1")
	return err
}

func (s *Server) clearObjects(ctx context.Context, c *sql.Conn, name string) error {
	for _, kind := range []struct{ kind, query string }{
		{"event", "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?"},
		{"view", "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?"},
		{"procedure", "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND " +
			"ROUTINE_TYPE = 'PROCEDURE'"},
		{"function", "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND " +
			"ROUTINE_TYPE = 'FUNCTION'"},
	} {
		names, err := column(ctx, c, kind.query, name)
		if err != nil {
			return fmt.Errorf("list the objects of %s: %w", name, err)
		}
		for _, n := range names {
			if err := (object{Kind: kind.kind, Name: n}).drop(ctx, c, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// column is the first column of all rows.
func column(ctx context.Context, c *sql.Conn, query string, args ...any) ([]string, error) {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var v sql.NullString
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v.String)
	}
	return out, rows.Err()
}

// Clean removes what was loaded and is not live, and puts triggers back that an
// exchange had taken off before it could not go on.
func (s *Server) Clean(ctx context.Context, p *restore.Plan, f run.Folder) ([]restore.Note, error) {
	s.forget()
	c, err := s.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := s.alone(ctx, c, p, f); err != nil {
		return nil, err
	}
	switch p.Mode {
	case restore.Swap:
		return s.cleanSwap(ctx, c, p, f)
	case restore.Into:
		return s.cleanInto(ctx, c, p, f)
	}
	return nil, nil
}

func (s *Server) cleanSwap(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
) ([]restore.Note, error) {
	if err := s.settle(ctx, c, p, f); err != nil {
		return nil, err
	}
	if err := schema.DropDatabase(ctx, c, p.Shadow); err != nil {
		return nil, fmt.Errorf("drop the shadow schema: %w", err)
	}
	return []restore.Note{restore.N(lang.M("dropped the database %s, which only this restore used", p.Shadow))}, nil
}

// cleanInto empties the schema again; one that was absent is dropped. A schema that no
// load was begun in holds what others made.
func (s *Server) cleanInto(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
) ([]restore.Note, error) {
	name := p.Target.Database
	tried, err := loadTried(f)
	if err != nil {
		return nil, err
	}
	if !tried {
		return []restore.Note{restore.N(lang.M("nothing was loaded into %s: it is unchanged", name))}, nil
	}
	if p.Assessment != nil && p.Assessment.SchemaThere {
		return []restore.Note{restore.N(lang.M("emptied %s, as it was before", name))}, s.clear(ctx, c, name, nil)
	}
	err = schema.DropDatabase(ctx, c, name)
	return []restore.Note{restore.N(lang.M("dropped the database %s, which only this restore used", name))}, err
}

// DropOld drops the schemas that undo would need. Only names made of the run's
// own id are dropped, and the standby that the run took.
func (s *Server) DropOld(ctx context.Context, p *restore.Plan) ([]restore.Note, error) {
	c, err := s.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	mark := strings.ReplaceAll(p.ID, "-", "_")
	var notes []restore.Note
	for _, name := range []string{p.Kept, p.Shadow} {
		own := strings.HasSuffix(name, mark) || p.Standby() != nil && name == p.Standby().Schema
		if name == "" || !own {
			continue
		}
		there, err := exists(ctx, c, name)
		if err != nil {
			return notes, err
		}
		if !there {
			continue
		}
		if err := schema.DropDatabase(ctx, c, name); err != nil {
			return notes, fmt.Errorf("drop %s: %w", name, err)
		}
		notes = append(notes, restore.N(lang.M("dropped the database %s, which only this restore used", name)))
	}
	return notes, nil
}
