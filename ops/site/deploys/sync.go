package deploys

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/host"
	"opsdeck/ops/mysql"
)

// sync runs the command that changes the database's tables, and compares them before
// and after.
func (j *job) sync(ctx context.Context) (lang.Msg, error) {
	if !j.hasDatabase() {
		if err := j.look(ctx); err != nil {
			return lang.Msg{}, err
		}
		return j.command(ctx)
	}
	before, err := j.before(ctx)
	if err == nil {
		err = j.look(ctx)
	}
	if err != nil {
		return lang.Msg{}, err
	}
	if what, err := j.command(ctx); err != nil || j.skipped {
		return what, err
	}
	after, err := j.structure(ctx)
	if err != nil {
		return lang.Msg{}, err
	}
	changes := deploy.Compare(before, after)
	if len(changes) == 0 {
		return lang.M("names, columns and row counts are unchanged in %d tables; values were not compared",
			after.Tables()), nil
	}
	var said []string
	loss := false
	for _, c := range changes {
		loss = loss || c.Loss
		said = append(said, j.Lang.Msg(c.What))
	}
	if loss && !j.conf.AllowLoss {
		return lang.Msg{},
			&failure{ops.E(ops.Failed, lang.M("the database lost something: %s", strings.Join(said, "; "))).
				WithHint(lang.M("if that is intended, set deploy.allow_loss: true")), said}
	}
	return lang.M("the database was changed: %s", strings.Join(said, "; ")), nil
}

// lookLines is how many lines of what a step would change are kept and shown.
const lookLines = 200

// look shows what the step's command would change, before it changes it. What would lose
// data is refused here, while nothing is lost yet.
func (j *job) look(ctx context.Context) error {
	if j.step.Look == "" {
		return nil
	}
	out, err := j.Desk.look(ctx, j.plan, j.step, j.note)
	if err != nil {
		return err
	}
	said := lang.M("%s printed nothing", j.step.Look)
	if len(out) > 0 {
		said = lang.M("what would be changed, as %s prints it", j.step.Look)
	}
	if err := j.note.Seen(j.Lang.Msg(said), out); err != nil {
		return err
	}
	if lost := deploy.Losing(out); len(lost) > 0 && !j.conf.AllowLoss {
		return &failure{ops.E(ops.Failed, lang.M("the change would lose data, and was not made: %s", lost[0])).
			WithHint(lang.M("if that is intended, set deploy.allow_loss: true")), lost}
	}
	return nil
}

// look runs the command that prints what a step would change.
func (d *Desk) look(ctx context.Context, p *deploy.Plan, s deploy.Step, note deploy.Note) ([]string, error) {
	c := host.Command{
		Shell: s.Look,
		Dir:   p.Code(),
		Hide:  d.veil(p.Dir).text,
		Keep:  lookLines + 1,
		Env:   append(marks(p), toolEnv...),
	}
	if note != nil {
		c.Started = note.Child
	}
	out := host.Run(ctx, c)
	if out.Err != nil {
		err := ops.Wrap(nil, ops.Failed,
			lang.M("cannot see what would be changed: %s failed (%s): %s", s.Look, ended(out), out.Why()))
		if p.Tree() == "" { // else its folder is removed with the release
			err = err.WithHint(lang.M("run it by hand: cd %s && %s", human.Shell(p.Code()), s.Look))
		}
		return nil, &failure{err, out.Tail}
	}
	if len(out.Tail) > lookLines {
		cut := d.Lang.T("… more lines before these: run %s", s.Look)
		out.Tail = append([]string{cut}, out.Tail[1:]...)
	}
	return out.Tail, nil
}

func (j *job) structure(ctx context.Context) (deploy.Structure, error) {
	t, err := mysql.Resolve(j.Service.Database)
	if err != nil {
		return nil, err
	}
	return mysql.Structure(ctx, t, j.Service.Database.Name)
}

// beforePath is that of the structure that the deployment found.
func (j *job) beforePath() string { return filepath.Join(j.Store().Folder(j.plan.ID), "before.json") }

// kept is the structure that the deployment found and kept. One that is not there is an
// error: it is no proof that nothing was changed.
func (j *job) structureBefore() (s deploy.Structure, err error) {
	text, err := regular.ReadFile(j.beforePath())
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(text, &s)
}

// before is the structure that the deployment found, kept when it is first read.
func (j *job) before(ctx context.Context) (s deploy.Structure, err error) {
	if s, err = j.structureBefore(); !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	if j.ran() {
		return nil, ops.E(ops.Failed,
			lang.M("%s no longer exists: the previous table definitions are unknown", j.beforePath()))
	}
	if s, err = j.structure(ctx); err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, atomicfile.WriteBytes(j.beforePath(), 0o600, text)
}

// offer tells how to restore the database where the deployment changed it. Nothing is
// restored by itself: rows were perhaps written since.
func (j *job) offer(ctx context.Context) (lang.Msg, error) {
	if !j.ran() && !exists(j.beforePath()) {
		return lang.M("nothing to undo: its command was not run"), nil
	}
	if !j.hasDatabase() {
		j.stays()
		return lang.M("whether a database was changed is unknown: none is configured for %s", j.plan.Service), nil
	}
	var after deploy.Structure
	before, err := j.structureBefore()
	if err == nil {
		after, err = j.structure(ctx)
	}
	command := j.restoreCommand()
	if err != nil {
		j.data["offer"] = command
		return lang.M("whether the database was changed is unknown; if it was: %s", command), nil
	}
	changes := deploy.Compare(before, after)
	if len(changes) == 0 {
		return lang.M("names, columns and row counts are unchanged in %d tables; values were not compared",
			after.Tables()), nil
	}
	j.data["offer"] = command
	if j.state.Data["backup"] == "" {
		return lang.M("the database is still changed (%s); this deployment made no backup: see what the newest "+
			"one would restore: %s", changes[0].What, command), nil
	}
	return lang.M("the database is still changed (%s); restore it from the backup: %s", changes[0].What, command), nil
}

// restoreCommand is what brings the database back to the deployment's backup.
func (j *job) restoreCommand() string {
	service := ""
	if len(j.All.Services) > 1 {
		service = j.Service.Name
	}
	words := typed.Program(j.All.Path, service)
	if name := j.state.Data["backup"]; name != "" {
		return words + " restore --from " + human.Shell(name)
	}
	return words + " restore --plan" // of the newest backup, which may lack what is lost
}
