package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/restore/standby"
)

// replayed is a replay's result for the verification.
type replayed struct {
	Rows map[string]int64 `json:"rows"` // expected row counts; -1 if unknown
	// Cascaded may have fewer rows: foreign keys removed some, which the log does not show.
	Cascaded []string       `json:"cascaded,omitempty"`
	Doubts   []restore.Note `json:"doubts"` // of the backup itself, before the replay
	Notes    []restore.Note `json:"notes"`
}

func replayedPath(f run.Folder) string { return filepath.Join(f.Path, "replay.json") }

// rolling replays the binlog into what was loaded.
type rolling struct {
	*link
	checks *Verification
	log    Log
}

// continues reports whether there is a replay that can be resumed.
func (g *rolling) continues(ctx context.Context, c *sql.Conn, p *restore.Plan) (bool, error) {
	if p.Source.Replay == nil {
		return false, nil
	}
	return replay.Begun(ctx, c, p.Loaded())
}

// prepare verifies what was loaded, and records that the replay begins.
func (g *rolling) prepare(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) error {
	verdict, err := g.checks.verifyLoaded(ctx, p, report)
	if err != nil {
		return err
	}
	known := replayed{Doubts: verdict.Doubts}
	if err := known.save(f); err != nil {
		return err
	}
	rows := map[string]int64{}
	for _, t := range verdict.Tables {
		rows[t.Table] = t.Rows
		if t.State == "uncounted" {
			rows[t.Table] = -1
		}
	}
	events, err := readEnabled(f)
	if err != nil {
		return err
	}
	return replay.Prepare(ctx, c, p.Loaded(), p.Source.Replay.From, rows, events)
}

func (r replayed) save(f run.Folder) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(replayedPath(f), 0o600, text)
}

// roll replays the binlog into what was loaded.
func (g *rolling) roll(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) ([]restore.Note, error) {
	r := p.Source.Replay
	log, err := g.log(ctx, r)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	from, done, warm, err := start(p, f)
	if err != nil {
		return nil, err
	}
	run, err := log.At(from, done)
	if err != nil {
		return nil, errors.Join(err, log.LiveErr)
	}
	db, err := g.db(ctx)
	if err != nil {
		return nil, err
	}
	job := replay.Job{Run: run, To: r.To, From: p.Source.Database, Schema: p.Loaded(), Tables: p.Tables,
		Total: r.Transactions, Report: report}
	if warm {
		job.Before = r.Standby.Before
		job.Total = job.Before + r.Standby.Transactions
	}
	var state replay.State
	err = mysql.Again(ctx, func() (err error) {
		state, err = replay.Run(ctx, db, job)
		return err
	})
	if err != nil {
		return nil, err
	}
	known, err := readJSON[replayed](replayedPath(f))
	if err != nil {
		return nil, err
	}
	known.Rows, known.Cascaded = state.Rows, state.Cascaded
	var notes []restore.Note
	if warm {
		notes = append(notes, restore.N(lang.M("the standby %s is used; it holds the log up to %s", p.Shadow,
			r.Standby.At.String())))
		if why := standby.Unlike(state.Rows, r.Rows); !why.Empty() {
			known.Doubts = []restore.Note{restore.N(lang.M("the standby: %s", why))}
		}
	}
	if err := known.save(f); err != nil {
		return nil, err
	}
	if p.Mode != restore.InPlace {
		if err := setEnabled(f, state.Events); err != nil {
			return nil, err
		}
	}
	note := restore.N(lang.M("binlog replayed to %s: %s transactions, %s", r.To.Position.String(),
		human.Count(state.Transactions), replay.Texts(state.Changed, state.Statements)))
	return append(notes, note), replay.Finish(ctx, c, p.Loaded())
}

// again drops the state of a replay that cannot be resumed.
func (g *rolling) again(ctx context.Context, c *sql.Conn, p *restore.Plan) error {
	err := mysql.Define(ctx, c, "DROP TABLE IF EXISTS "+schema.Name(p.Loaded(), replay.Table))
	return err
}

// verifyLoaded verifies that what was loaded matches the manifest, before the replay
// changes it.
func (c *Verification) verifyLoaded(ctx context.Context, p *restore.Plan, report run.Report) (run.Verdict, error) {
	v := c.current
	if c.current = nil; v == nil || v.p != p {
		v.end()
		v = newVerifier(c, p)
	}
	defer v.end()
	stop := context.AfterFunc(ctx, v.cancel)
	defer stop()
	var coming []string
	for _, t := range p.Source.Tables {
		if v.inScope(t.Name) {
			coming = append(coming, t.Name)
		}
	}
	err := v.look(ctx, coming, report)
	return v.v, err
}

// afterReplay makes the verifier compare with the replay's row counts.
func (v *verifier) afterReplay(ctx context.Context) error {
	if v.p.Source.Replay == nil {
		return nil
	}
	known, err := readJSON[replayed](replayedPath(v.s.folder(v.p.ID)))
	if err == nil && known.Rows == nil {
		err = errors.New("the run's folder does not record what was replayed")
	}
	if err != nil {
		return err
	}
	v.after = known.Rows
	v.v.Doubts = known.Doubts
	v.cascade = map[string]bool{}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	if err := v.trust(ctx); err != nil {
		return err
	}
	rows, err := schema.All(
		ctx,
		db,
		"SELECT DISTINCT TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND "+
			"DELETE_RULE = 'CASCADE'",
		v.p.Loaded(),
	)
	for _, r := range rows {
		v.cascade[r[0]] = true
	}
	for _, t := range known.Cascaded { // of keys that the log dropped later, too
		v.cascade[t] = true
	}
	return err
}

// judgeCount compares a table's row count with the replay's; the caller holds the lock.
// Not every server logs rows that foreign keys removed.
func (v *verifier) judgeCount(d backup.TableVerdict, own bool) {
	want, known := v.after[d.Name]
	out := restore.TableRows{Table: d.Name, Rows: d.Rows, Want: -1, Checksum: d.Checksum, State: "uncounted"}
	switch {
	case !known && own:
		v.doubt(lang.M("the table %s is neither in the backup nor created by the log", d.Name))
	case want < 0 || !own:
	case d.Rows == want:
		out.Want, out.State = want, "ok"
	case v.cascade[d.Name] && d.Rows < want:
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("%s has %s rows: a foreign key removed the others", d.Name,
			human.Count(d.Rows))))
	default:
		out.Want, out.State = want, "differs"
		v.doubt(lang.M("%s has %s rows, the replay counted %s", d.Name, human.Count(d.Rows), human.Count(want)))
	}
	if g, shrank := v.p.Shrank(d.Name, d.Rows); shrank {
		v.v.Doubts = append(v.v.Doubts, restore.N(g.Text()))
	}
	v.v.Tables = append(v.v.Tables, out)
}

// Log opens the binlog up to the end of a replay.
type Log func(ctx context.Context, r *restore.Replay) (*changes.Source, error)
