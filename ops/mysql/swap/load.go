package swap

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Loading loads a backup and replays the log into it.
type Loading struct {
	*link
	loader   Loader
	sessions *Sessions
	checks   *Verification
	cleaning *Cleaning
	counters *numbering
	rolling  *rolling
	standIn  *standbyChoice
}

// Load loads the backup into the shadow database, the emptied live database, or the
// database that the operator selected.
func (l *Loading) Load(
	ctx context.Context,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) (run.Loaded, error) {
	c, err := l.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return run.Loaded{}, err
	}
	defer c.Close()
	job := Job{Path: p.Source.Path, From: p.Source.Database, Schema: p.Loaded(), Tables: p.Tables,
		Without: p.Without, Apart: p.Mode == restore.Into}
	if p.Standby() == nil {
		if err := l.loader.Ready(job); err != nil {
			return run.Loaded{}, err
		}
	}
	if err := l.sessions.alone(ctx, c, p, f); err != nil {
		return run.Loaded{}, err
	}
	turned, err := l.standIn.takes(ctx, c, p, f, report)
	if err != nil {
		return run.Loaded{}, err
	}
	continues, err := l.rolling.continues(ctx, c, p)
	if err != nil {
		return run.Loaded{}, err
	}
	var out run.Loaded
	if !continues {
		if out, err = l.load(ctx, c, p, f, job, report); err != nil {
			return run.Loaded{}, err
		}
	}
	if p.Source.Replay == nil {
		out.Notes = append(out.Notes, leftDisabled(p, f)...)
		return l.counted(ctx, c, p, f, out)
	}
	out.Notes = append(turned, out.Notes...)
	notes, err := l.rolling.roll(ctx, c, p, f, report)
	if _, _, warm, known := start(p, f); known == nil && warm && standbyBroken(ctx, err) {
		why := restore.N(lang.M("the log could not be applied to it: %s", err.Error()))
		if _, err := l.standIn.refuse(ctx, c, p, f, why, report); err != nil {
			return run.Loaded{}, err
		}
		return l.Load(ctx, p, f, report)
	}
	if errors.Is(err, replay.ErrAgain) {
		if err := l.rolling.again(ctx, c, p); err != nil {
			return run.Loaded{}, err
		}
		return l.Load(ctx, p, f, report)
	}
	out.Notes = append(out.Notes, notes...)
	out.Notes = append(out.Notes, leftDisabled(p, f)...)
	if err != nil {
		return out, err
	}
	return l.counted(ctx, c, p, f, out)
}

// counted makes tables that were loaded in place continue after those that the load dropped.
func (l *Loading) counted(
	ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder, out run.Loaded,
) (run.Loaded, error) {
	if p.Mode != restore.InPlace {
		return out, nil
	}
	raised, told, err := l.counters.remembered(ctx, p, f, false)
	out.Counters = raised
	out.Notes = append(out.Notes, told...)
	return out, err
}

// leftDisabled lists the events that a load into another database leaves disabled, so that
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

// load loads the backup, and prepares it for a replay if there is one.
func (l *Loading) load(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	job Job,
	report run.Report,
) (run.Loaded, error) {
	var grants, files []string
	var saved []restore.Note
	if p.Mode == restore.InPlace {
		err := takesRows(ctx, c)
		if err == nil {
			grants, err = keepGrants(ctx, c, p.Target.Database, f)
		}
		if err != nil {
			return run.Loaded{}, err
		}
		off, err := keepOff(ctx, c, p, f)
		if err != nil {
			return run.Loaded{}, err
		}
		if saved, files, err = asideAgain(ctx, c, p, f); err != nil {
			return run.Loaded{}, err
		}
		if err := l.counters.remember(ctx, c, p, f); err != nil {
			return run.Loaded{}, err
		}
		if err := l.cleaning.clear(ctx, c, p.Target.Database, p.Tables); err != nil {
			return run.Loaded{}, err
		}
		job.Fresh, job.Live, job.Off = true, true, off
	} else if err := l.clearRemains(ctx, c, p, f); err != nil {
		return run.Loaded{}, err
	}
	job.Whole = l.checks.foresee(p)
	loaded, enabled, err := l.loader.Load(ctx, job, report)
	loaded.Notes, loaded.Exports = append(saved, loaded.Notes...), files
	if len(p.Without) > 0 {
		loaded.Notes = append(loaded.Notes,
			restore.N(lang.M("left out, as accepted: %s", strings.Join(p.Without, ", "))))
	}
	if err == nil {
		loaded.Notes = append(loaded.Notes, regrant(ctx, c, p.Target.Database, ofWhole(p, grants))...)
	}
	if err == nil && p.Mode != restore.InPlace {
		err = keepEnabled(f, enabled)
	}
	if err == nil && p.Source.Replay != nil {
		err = l.rolling.prepare(ctx, c, p, f, report)
	}
	if err != nil {
		l.checks.forget()
	}
	return loaded, l.sessions.held(ctx, c, p.Loaded(), err)
}

// takesRows refuses a server in forced recovery: it would drop the live tables, and take no
// row in their place.
func takesRows(ctx context.Context, c *sql.Conn) error {
	level, err := schema.One(ctx, c, "SELECT @@GLOBAL."+doctor.ForcedRecovery)
	if mysql.Number(err) == mysql.ErrUnknownVariable || err == nil && level == "0" { // not every server is InnoDB's
		return nil
	}
	if err != nil {
		return err
	}
	what, hint := doctor.ReadOnly(doctor.ForcedRecovery)
	return ops.E(ops.Failed, what).WithHint(hint)
}

// clearRemains removes what an earlier try left in the database that only this restore
// uses, unless the load can resume there: if it had finished and its worker died before
// reporting it, it is repeated. The first try finds the database as the plan checked it,
// and its contents are not ours.
func (l *Loading) clearRemains(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	again, err := loadTried(f)
	if err != nil {
		return err
	}
	if !again {
		return l.firstTry(ctx, c, p, f)
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
		return mysql.DropDatabase(ctx, c, p.Shadow)
	}
	return l.cleaning.clear(ctx, c, p.Target.Database, nil)
}

// triedFile marks that this run started to load: its database is known to have been empty.
const triedFile = "load.tried"

func loadTried(f run.Folder) (bool, error) {
	_, err := os.Stat(filepath.Join(f.Path, triedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// firstTry marks the start of the load. A database that the operator selected must be
// empty at that time, so everything in it afterwards can be removed again.
func (l *Loading) firstTry(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
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

// LoadBack empties the live database and loads the emergency backup.
func (l *Loading) LoadBack(
	ctx context.Context,
	p *restore.Plan,
	emergency string,
	report run.Report,
) (run.Loaded, error) {
	c, err := l.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return run.Loaded{Untouched: true}, err
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
	if err := l.loader.Ready(job); err != nil {
		return run.Loaded{Untouched: true}, err
	}
	var out []string // known when the backup was made
	if m, err := backup.ReadManifest(emergency); err == nil && len(p.Tables) == 0 {
		out = m.LeavesOut(job.From)
	}
	job.Without = out
	tried, err := l.tryBack(ctx, p, &job)
	if err != nil {
		return run.Loaded{Untouched: true}, err
	}
	l.checks.forget()
	grants := ofWhole(p, routineGrants(ctx, c, p.Target.Database))
	f := l.checks.folderOf(p)
	a, err := asideInPlace(p, emergency)
	if err != nil {
		return run.Loaded{Untouched: true}, err
	}
	saved, files, err := a.keep(ctx, c, p, f)
	if err == nil {
		err = l.counters.remember(ctx, c, p, f)
	}
	if err != nil {
		return run.Loaded{Untouched: true}, err
	}
	if err := l.cleaning.clear(ctx, c, p.Target.Database, p.Tables); err != nil {
		return run.Loaded{}, err
	}
	loaded, _, err := l.loader.Load(ctx, job, report)
	loaded.Notes, loaded.Exports = slices.Concat(saved, tried, loaded.Notes), files
	if err == nil {
		for _, name := range out {
			loaded.Notes = append(loaded.Notes, restore.N(lang.M(
				"%s could not be created before the restore either; its text is in %s", name, emergency)))
		}
		loaded.Notes = append(loaded.Notes, regrant(ctx, c, p.Target.Database, grants)...)
		var told []restore.Note
		loaded.Counters, told, err = l.counters.remembered(ctx, p, f, true)
		loaded.Notes = append(loaded.Notes, told...)
	}
	return loaded, err
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
