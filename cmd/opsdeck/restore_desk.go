package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	agelib "filippo.io/age"
	"golang.org/x/sys/unix"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/service"
	"opsdeck/ops/site/backups"
)

// desk is what the restore verbs and the Restore tab work with: the chosen
// service's backups, its server, and the runs so far.
type desk struct {
	*shelf
	target mysql.Target
	store  restore.Store
	tell   func(lang.Msg) // of long work that a plan takes; nil: nobody reads it
}

func (a *app) desk() (*desk, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	d, err := a.deskOf(s)
	if err == nil {
		d.Reread = backups.Aloud
	}
	return d, err
}

func (a *app) deskOf(s *config.Service) (*desk, error) {
	sh, err := a.shelfOf(s)
	if err != nil {
		return nil, err
	}
	target, err := mysql.Resolve(s.Database)
	if err != nil {
		return nil, err
	}
	return &desk{shelf: sh, target: target, store: restore.Store{Dir: sh.StateDir}}, nil
}

// operator is who is at it: "zhang (sudo, from 10.0.0.7)".
func (a *app) operator() string {
	who := oplog.UserName()
	var how []string
	if s := a.getenv("SUDO_USER"); s != "" && s != who {
		how = append(how, "sudo "+s)
	}
	if from, _, ok := strings.Cut(a.getenv("SSH_CONNECTION"), " "); ok {
		how = append(how, "from "+from)
	}
	if len(how) > 0 {
		who += " (" + strings.Join(how, ", ") + ")"
	}
	return who
}

// server is the adapter of the target.
func (d *desk) server() *swap.Server {
	return &swap.Server{Target: d.target, Jobs: d.Service.Backup.Jobs, Audit: d.Service.Audit.Table, Loader: d.loader(),
		Marks: backups.DeadlyPath(d.StateDir), Log: d.openLog, Folder: d.store.Folder}
}

func (d *desk) loader() swap.Engine { return swap.Engine{Target: d.target, Identities: d.identities} }

// identities are those that open encrypted backups.
func (d *desk) identities() ([]agelib.Identity, error) {
	path := config.Home(d.Service.Backup.Identity)
	if path == "" {
		return nil, ops.E(ops.Config, lang.M("the backup is encrypted, and backup.identity names no identity file"))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the identity file cannot be read"))
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ops.E(ops.Config, lang.M("other users can read the identity file %s", path)).
			WithHint(lang.M("run: chmod 600 %s", path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return agelib.ParseIdentities(f)
}

// settings are those of the configuration.
func (d *desk) settings() (restore.Settings, error) {
	s := d.Service
	ctl, err := service.New(s.Process)
	if err != nil {
		return restore.Settings{}, err
	}
	cmds := ctl.Commands()
	set := restore.Settings{
		Service:      s.Name,
		Mode:         restore.Mode(s.Restore.Mode),
		LockWait:     s.Backup.LockWait,
		EmergencyDir: d.Dir,
		Operator:     d.operator(),
		Process:      restore.Process{Kind: s.Process.Kind, Name: s.Process.Name, Stop: cmds.Stop, Start: cmds.Start},
		Verify:       restore.Checks{KeyTables: s.Restore.KeyTables, SmokeTest: s.Restore.SmokeTest},
	}
	if s.Health.URL != "" {
		set.Ready = restore.Ready{
			URL:  strings.TrimRight(s.Health.URL, "/") + "/health/ready",
			Wait: restore.Span(s.Restore.ReadyWait),
		}
	}
	for _, n := range s.Notify {
		if len(n.On) == 0 || has(n.On, "restore") {
			set.Notify = append(set.Notify, n.Name)
		}
	}
	if len(s.Backup.Recipients) > 0 {
		set.EmergencyExt = ".age"
	}
	return set, nil
}

func has(list []string, v string) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// Draft makes the plan of a choice after a look at the target.
func (d *desk) Draft(ctx context.Context, c restore.Choice) (*restore.Plan, error) {
	find := func() (restore.Source, error) { return d.source(ctx, c.Source) }
	if c.Moment != nil {
		find = func() (restore.Source, error) { return d.rolled(ctx, c) }
	}
	src, err := find()
	if err != nil {
		return nil, err
	}
	if err := fromSchema(&src, c.From); err != nil {
		return nil, err
	}
	if err := d.foreignTo(src, c); err != nil {
		return nil, err
	}
	if c.Into == "" { // the emergency backup goes there
		if err := d.Trusted(); err != nil {
			return nil, err
		}
	}
	set, err := d.settings()
	if err != nil {
		return nil, err
	}
	server := d.server()
	defer server.Close()
	a, err := server.Survey(ctx, d.Service.Database.Name, src, c)
	if err != nil {
		return nil, d.noEntry(err)
	}
	if c.Into == "" {
		if err := d.inspect(ctx, &src); err != nil {
			return nil, err
		}
	}
	a.Disk.SaveFree = freeAt(d.Dir)
	if src.Copy != "" {
		a.Disk.NeedFetch = src.SizeBytes
	}
	d.surveySource(a, src)
	a.Drill = d.newestDrill()
	now := d.clock.Now()
	return restore.Draft(restore.NewID(now, random()), now, c, set, src, d.Service.Database.Name, a), nil
}

// fromSchema takes the database of that name out of the backup. The loader refuses a
// dump that does not hold it, and whatever would land outside the target.
func fromSchema(src *restore.Source, name string) error {
	switch {
	case name == "" || name == src.Database:
	case src.Manifest:
		return ops.E(ops.Usage, lang.M("the backup holds no database %s", name)).
			WithHint(lang.M("its manifest names %s; leave --from-schema out", src.Database))
	default:
		src.Database = name
	}
	return nil
}

// foreignTo is an error where a backup of another database would take the place of
// the service's, and nobody named that database.
func (d *desk) foreignTo(src restore.Source, c restore.Choice) error {
	live := d.Service.Database.Name
	if !src.Manifest || src.Database == "" || src.Database == live || c.From != "" || c.Into != "" {
		return nil
	}
	return ops.E(ops.Usage, lang.M("the backup holds no database %s", live)).
		WithHint(lang.M("it holds %s: choose one of these with --from-schema", termsafe.Line(src.Database)))
}

// newestDrill is the newest whole drill that went well: how long a restore takes.
func (d *desk) newestDrill() (newest *restore.Drill) {
	drills, err := backup.Drills(d.StateDir, d.Service.Database.Name)
	if err != nil {
		return nil // a record that cannot be read is no reason not to restore
	}
	for _, x := range drills {
		if x.Result == backup.Passed && x.Table == "" && (newest == nil || x.At.After(newest.At)) {
			newest = &restore.Drill{
				At:       x.At,
				Backup:   x.Backup,
				Result:   x.Result,
				Duration: time.Duration(x.RestoreMS) * time.Millisecond,
				Bytes:    x.RawBytes,
			}
		}
	}
	return newest
}

func random() uint16 {
	var b [2]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint16(b[:])
}

// noEntry says what to do when the server does not let this user in: often only
// root may, by the socket.
func (d *desk) noEntry(err error) error {
	var known *ops.Error
	number := mysql.Number(err)
	if (number == mysql.ErrAccessDenied || number == mysql.ErrNoPassword) && errors.As(err, &known) {
		return known.WithHint(
			lang.M(
				"set another user in the options file, or allow root to log in through the socket " +
					"(database.socket): sudo opsdeck restore",
			),
		)
	}
	return err
}

// surveySource finds out whether the backup can be opened at all: an encrypted
// one without its identity is told now, not when the service is down.
func (d *desk) surveySource(a *restore.Assessment, src restore.Source) {
	err := error(nil)
	switch {
	case src.Copy == "":
		err = d.loader().Ready(swap.Job{Path: src.Path})
	case src.Encrypted:
		_, err = d.identities()
	}
	if err == nil {
		return
	}
	f := restore.Finding{State: ops.StateCritical, Blocks: true, What: restore.RawNote(err.Error())}
	var known *ops.Error
	if errors.As(err, &known) {
		f.What, f.Hint = restore.N(known.What), restore.N(known.Hint)
	}
	a.Findings = append(a.Findings, f)
}

// freeAt is the room in a folder, or in the one that it will be made in; -1 when
// that cannot be seen.
func freeAt(dir string) int64 {
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	for err == unix.ENOENT && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		err = unix.Statfs(dir, &st)
	}
	if err != nil {
		return -1
	}
	return int64(st.Bavail) * st.Bsize
}

// vacant refuses while another restore of the target runs or stands unfinished.
func (d *desk) vacant(ctx context.Context, t restore.Target) error {
	holder, held, err := lock.Look(d.store.TargetLock(t))
	if err != nil {
		return err
	}
	if held && !strings.HasPrefix(holder.What, "restore ") {
		return &lock.HeldError{Path: d.store.TargetLock(t), Holder: holder}
	}
	if held {
		return ops.E(ops.Busy, lang.M("%s restores %s since %s", holder.User, t.Database, holder.Since.Local().Format("15:04:05"))).
			WithHint(lang.M("watch it: opsdeck restore attach"))
	}
	if err := d.unfinished(t); err != nil {
		return err
	}
	return mysql.LookClaim(ctx, d.target, t.Database)
}

// Begin saves the plan and starts its worker. typed is what the operator typed:
// the target database's name; alone is what to answer when nobody is there, nil
// when a person will be.
func (d *desk) Begin(
	ctx context.Context,
	p *restore.Plan,
	typed string,
	alone *restore.Unattended,
) (restore.Folder, error) {
	switch {
	case typed != p.Target.Database:
		return restore.Folder{}, ops.Wrap(
			restore.ErrTyped,
			ops.Usage,
			lang.M("That is not the name. Nothing was done."),
		)
	case p.Blocked():
		return restore.Folder{}, blocked(p)
	case !p.Intact():
		return restore.Folder{}, restore.ErrPlanChanged
	}
	if err := d.vacant(ctx, p.Target); err != nil {
		return restore.Folder{}, err
	}
	f, err := d.store.Save(p)
	if err == nil {
		err = f.Leave(alone)
	}
	if err != nil {
		return f, err
	}
	return f, d.Work(ctx, p.ID, restore.KindBegin)
}

func blocked(p *restore.Plan) error {
	for _, f := range p.Findings {
		if f.Blocks {
			return ops.E(ops.Failed, f.What.Msg).WithHint(f.Hint.Msg)
		}
	}
	return errors.New("blocked")
}

// record writes what a run does to the record of operations.
func (d *desk) record(p *restore.Plan, action, result string, detail map[string]string) error {
	log, err := d.oplog()
	if err != nil {
		return err
	}
	if detail == nil {
		detail = map[string]string{}
	}
	detail["restore"], detail["backup"], detail["mode"] = p.ID, p.Source.Name, string(p.Mode)
	return log.Record(
		oplog.Entry{
			Service: p.Service,
			Action:  "restore." + action,
			Object:  p.Target.Database,
			Result:  result,
			Detail:  detail,
		},
	)
}

// hand gives a request to the run's worker, or to a new one when it has none. A
// worker whose run is over takes nothing more: its end is waited for.
func (d *desk) hand(ctx context.Context, id string, q restore.Request) error {
	for {
		r, err := d.store.Load(id)
		switch {
		case err != nil:
			return err
		case !r.Alive:
			return d.Work(ctx, id, q.Event.Kind)
		case !r.State.Stage.Final():
			return r.Folder.Send(q)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startWait is how long a worker may take until it holds its lock.
const startWait = time.Minute

// Work starts a worker of its own session on a run and waits until it is at it.
func (d *desk) Work(ctx context.Context, id string, first restore.Kind) error {
	f := d.store.Folder(id)
	before, err := restore.ReadJournal(f.JournalPath())
	if err != nil {
		return err
	}
	exited, err := d.spawn(f, id, first)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	deadline := time.After(startWait)
	for {
		lines, err := restore.ReadJournal(f.JournalPath())
		if err != nil || len(lines) > len(before) {
			return err
		}
		select {
		case err := <-exited:
			if lines, _ := restore.ReadJournal(f.JournalPath()); len(lines) > len(before) {
				return nil
			}
			return workerError(f, err)
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			return ops.E(ops.Failed, lang.M("the worker did not begin within %s", startWait.String())).
				WithHint(lang.M("see %s", workerLog(f)))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
