package restores

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// spawn starts the worker; exited gets its end.
func (d *Desk) spawn(f run.Folder, id string, first restore.Kind) (exited chan error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(f.WorkerLog(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	args := []string{
		"restore",
		"worker",
		id,
		"--first=" + string(first),
		"--by=" + d.Operator(),
		"--service=" + d.Service.Name,
		"--lang=" + d.Lang.Code(),
	}
	if d.All.Path != "" {
		path, err := filepath.Abs(d.All.Path)
		if err != nil {
			return nil, err
		}
		args = append(args, "--config="+path)
	}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited = make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return exited, nil
}

// workerError is what a worker said that ended before it began.
func workerError(f run.Folder, err error) error {
	said := f.WorkerSaid()
	code := ops.Failed
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		code = ops.Code(exit.ExitCode())
	}
	if said == "" {
		said = fmt.Sprint(err)
	}
	return ops.E(code, lang.M("the worker could not start: %s", lang.Raw(said))).
		WithHint(lang.M("nothing was changed; when the cause is removed, restore again: opsdeck restore"))
}

// Carry is the life of a worker: it carries the restore id out, which by asked for. first
// is why it runs now. whole is the life of the process: the end of the work is put on
// record though the work had to be left.
func (d *Desk) Carry(whole context.Context, id string, first restore.Kind, by string) error {
	if !validRun(d.Store, id) {
		return run.ErrNoRun
	}
	f := d.Store.Folder(id)
	p, err := f.Plan()
	if err != nil {
		return err
	}
	who := lock.Holder{User: by, What: "restore " + id}
	mine, err := lock.Take(f.WorkerLock(), who)
	if err != nil {
		return err
	}
	defer mine.Release()
	target, err := lock.Take(d.Store.TargetLock(p.Target), who)
	if err != nil {
		return err
	}
	defer target.Release()
	giveTurns, err := turns{d}.take(whole, p.Target, who)
	if err != nil {
		return err
	}
	defer giveTurns()
	ctx, leave := context.WithCancel(whole)
	defer leave()
	claim, err := mysql.TakeClaim(ctx, d.Target, p.Target.Database, who, func(error) { leave() })
	if err != nil {
		return err
	}
	defer claim.Release()
	if err := Bound(ctx, d, p); err != nil {
		return err
	}
	journal, err := run.OpenJournal(f.JournalPath())
	if err != nil {
		return err
	}
	defer journal.Close()
	return d.work(ctx, d.Oplog(whole), f, p, journal, restore.Event{Kind: first, By: by})
}

func validRun(st run.Store, id string) bool {
	_, err := st.Load(id)
	return err == nil
}

// work carries the restore out until its end, or until ctx ends; log outlives that.
func (d *Desk) work(
	ctx context.Context,
	log *oplog.Log,
	f run.Folder,
	p *restore.Plan,
	j *run.Journal,
	first restore.Event,
) error {
	action := map[restore.Kind]string{restore.KindBegin: "run"}[first.Kind]
	if action == "" {
		action = string(first.Kind)
	}
	if err := record(log, p, action, oplog.Started, map[string]string{"by": first.By}); err != nil {
		return err
	}
	d.Target.WaitForRoom = true // who watches is told, and may abort
	server := boundServer(d, p)
	defer server.Close()
	service := &processes{Desk: d}
	crew := &run.Crew{
		Database: server.Database(),
		Services: service,
		Awaits:   service.Awaits,
		Saver:    swap.Saver{Target: d.Target, Damage: server.Damage, Dump: d.emergency},
		Prober: readiness{
			timeout: d.Service.Health.Timeout,
		}, Teller: teller{d}, Sourcer: sourcer{d}, Folder: f, Clock: d.Clock, Lang: d.Lang,
		Explain: d.explain,
	}
	last := time.Time{}
	r := &run.Runner{Plan: p, Journal: j, World: crew, Inbox: run.FolderInbox{Folder: f}, Clock: d.Clock,
		Progress: func(s restore.Snapshot, pr ops.Progress) {
			if now := time.Now(); now.Sub(last) >= 100*time.Millisecond {
				last = now
				f.SaveProgress(s.Seq, pr)
			}
		}}
	ctx, stop := context.WithCancelCause(ctx)
	leave := func() { stop(nil) }
	defer leave()
	alone := &run.StandIn{Folder: f, Clock: d.Clock, GiveUp: leave}
	r.Changed = alone.Changed
	go alone.Run(ctx)
	f.LeaveIfGone(ctx, stop)
	s, err := r.Run(ctx, first)
	var gone *ops.Error
	if errors.Is(err, run.ErrLeft) && errors.As(context.Cause(ctx), &gone) {
		err = errors.Join(err, gone)
	}
	if s.Stage.Final() {
		d.Finder().dropFetched(p)
	}
	result := oplog.Done
	switch {
	case errors.Is(err, run.ErrLeft):
		result = oplog.Stopped
	case err != nil || s.Stage == restore.Aborted && first.Kind != restore.KindAbort:
		result = oplog.Failed
	}
	detail := map[string]string{"result": s.Result()}
	if e := d.closeReport(p.ID); e != nil {
		detail["report"] = e.Error()
	}
	if err != nil {
		detail["error"] = err.Error()
	}
	return errors.Join(err, record(log, p, action, result, detail))
}

// closeReport writes the report of a run that is over to its end.
func (d *Desk) closeReport(id string) error {
	r, err := d.Store.Load(id)
	if err != nil {
		return err
	}
	return r.CloseReport(d.Lang)
}

// explain tells a server that went away from one that refuses: it may come back.
func (d *Desk) explain(err error) error {
	var untrusted *trust.Error
	if errors.As(err, &untrusted) {
		return site.Refused(untrusted)
	}
	var known *ops.Error
	if errors.As(err, &known) && known.Code != ops.Failed || !mysql.Lost(err) {
		return err
	}
	return ops.Wrap(err, ops.Busy, lang.M("the connection to the server at %s was lost", d.Target.Server())).
		WithHint(lang.M("is the server running? check it: `opsdeck status`"))
}

// emergency makes the backup of the present state, under the lock that one
// backup at a time holds.
func (d *Desk) emergency(ctx context.Context, o dump.Options, path string) (*backup.Manifest, error) {
	held, err := d.Shelf.Lock("emergency backup")
	if err != nil {
		return nil, err
	}
	defer held.Release()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	full, err := d.Shelf.Maker().OrderOf(
		backups.Order{Kind: backup.KindEmergency, Databases: o.Databases, Tables: o.Tables, Engine: "native"},
	)
	if err != nil {
		return nil, err
	}
	all := full.Options(d.Clock.Now, o.Report)
	all.Compress, all.Former = "gzip", o.Former
	m, err := dump.Run(ctx, d.Target, all, path)
	return m, backups.DiskError(err, d.Shelf.Dir)
}
