package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/trust"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/load"
)

// order says what backup to make, where it departs from the configuration.
type order struct {
	kind      string // "" is manual
	engine    string
	databases []string // empty is the service's
	all       bool
	tables    []string
	where     string
	year      int // of an archive
	noData    bool
	noHistory bool
	broken    bool
	jobs      int
	compress  string
	lockWait  time.Duration
	bytesRate int64
	threads   int
	to        []string // age recipients
	copy      string   // where it is streamed to; "" is this machine
}

// made is a backup that was made.
type made struct {
	*backup.Manifest
	Path  string
	Copy  string   // where it was streamed to
	Links []string // weekly and monthly names
	Took  time.Duration

	Shrink *backup.Shrink // what it lacks that those before it had; nil: nothing
}

// orderOf fills an order from the configuration of the service.
func (sh *shelf) orderOf(o order) (order, error) {
	b := sh.service.Backup
	if o.kind == "" {
		o.kind = backup.KindManual
	}
	if o.engine == "" {
		o.engine = b.Engine
	}
	if len(o.databases) == 0 && !o.all {
		o.databases = []string{sh.service.Database.Name}
	}
	if o.compress == "" {
		o.compress = b.Compress
	}
	if o.jobs == 0 {
		o.jobs = b.Jobs
	}
	o.jobs = min(o.jobs, runtime.NumCPU())
	if o.lockWait == 0 {
		o.lockWait = b.LockWait
	}
	if o.threads == 0 {
		o.threads = b.Throttle.Threads
	}
	if o.bytesRate == 0 && b.Throttle.BytesPerSecond != "" {
		rate, err := human.ParseBytes(b.Throttle.BytesPerSecond)
		if err != nil {
			return o, ops.Wrap(err, ops.Config, lang.M("backup.throttle.bytes_per_second is not a size"))
		}
		o.bytesRate = rate
	}
	if len(o.to) == 0 {
		o.to = b.Recipients
		if err := keyFits(b); err != nil &&
			o.kind != backup.KindEmergency { // before a restore any backup is better than none
			return o, err
		}
	}
	o.broken = o.broken || o.kind == backup.KindEmergency
	return o, nil
}

func (o order) spec(at time.Time) backup.Spec {
	ext := ".sql.gz"
	if o.compress == "zstd" {
		ext = ".sql.zst"
	}
	if len(o.to) > 0 {
		ext += ".age"
	}
	return backup.Spec{
		Kind:      o.kind,
		Databases: o.databases,
		All:       o.all,
		Tables:    o.tables,
		Year:      o.year,
		At:        at,
		Ext:       ext,
	}
}

func (o order) options(now func() time.Time, report func(ops.Progress)) dump.Options {
	return dump.Options{
		Databases: o.databases, All: o.all, Tables: o.tables, Where: o.where, NoData: o.noData, NoHistory: o.noHistory, Broken: o.broken,
		Jobs: o.jobs, Compress: o.compress, Recipients: o.to, LockWait: o.lockWait, BytesRate: o.bytesRate, Threads: o.threads,
		Kind: o.kind, Tool: "opsdeck " + version.Get().String(), Report: report, Now: now,
	}
}

// make makes a backup in the service's folder under the lock that one backup at
// a time holds, and records it. Nothing is left behind when it fails.
func (sh *shelf) make(ctx context.Context, o order, report func(ops.Progress)) (*made, error) {
	target, err := mysql.Resolve(sh.service.Database)
	if err != nil {
		return nil, err
	}
	held, err := sh.lock("backup create")
	if err != nil {
		return nil, err
	}
	defer held.Release()
	write := sh.stream
	if o.copy == "" {
		if err := sh.tidy(); err != nil {
			return nil, err
		}
		write = sh.dump
	}
	log, err := sh.oplog()
	if err != nil {
		return nil, err
	}
	entry := oplog.Entry{
		Service: sh.service.Name,
		Action:  "backup.create",
		Object:  strings.Join(o.databases, ","),
		Result:  oplog.Started,
		Detail:  map[string]string{"kind": o.kind, "engine": o.engine},
	}
	if err := log.Record(entry); err != nil {
		return nil, err
	}
	var m *made
	err = sh.surviving(ctx, target, o.databases, func() (err error) {
		m, err = write(ctx, o, target, report)
		return err
	})
	entry.Result = oplog.Done
	switch {
	case err != nil && ctx.Err() != nil:
		entry.Result = oplog.Stopped
	case err != nil:
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	default:
		entry.Detail["name"], entry.Detail["sha256"] = m.File, m.SHA256
		if m.Copy != "" {
			entry.Detail["copy"] = m.Copy
		}
	}
	return m, errors.Join(err, log.Record(entry))
}

// trusted refuses a backup folder in which others may put or replace files.
func (sh *shelf) trusted() error { return trust.Path(sh.dir) }

// noteOpenFolder tells a person that others can see the names in the backup folder.
func (sh *shelf) noteOpenFolder() {
	if info, err := os.Stat(sh.dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		sh.note(lang.M("note: others can list the backup folder %s; close it: chmod 700 %s", sh.dir, shell(sh.dir)))
	}
}

// tidy makes the folder ready for another backup.
func (sh *shelf) tidy() error {
	if err := os.MkdirAll(sh.dir, 0o700); err != nil {
		return ops.Wrap(err, ops.Config, lang.M("the backup folder %s cannot be made", sh.dir))
	}
	sh.sweep()
	sweepSecrets()
	return backup.Recover(sh.dir)
}

// dump writes the backup under a name of its own and links the further names.
func (sh *shelf) dump(ctx context.Context, o order, target mysql.Target, report func(ops.Progress)) (*made, error) {
	start := sh.clock.Now()
	name, err := backup.Reserve(sh.dir, o.spec(start.Local()))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the backup folder %s cannot be written", sh.dir)).
			WithHint(lang.M("see who owns it and how its disk is mounted (ls -ld, findmnt -T), or set backup.dir"))
	}
	path := filepath.Join(sh.dir, name)
	began := time.Now()
	m, err := sh.engine(o)(ctx, target, o.options(sh.clock.Now, report), path)
	if err != nil {
		backup.Release(sh.dir, name)
		return nil, diskError(err, sh.dir)
	}
	made := &made{Manifest: m, Path: path, Took: time.Since(began)}
	if made.Links, err = backup.LinkTiers(sh.dir, name, m, start.Local()); err != nil {
		return made, ops.Wrap(
			err,
			ops.Failed,
			lang.M("the backup %s is good, but its weekly or monthly name could not be made", name),
		)
	}
	if err := sh.readBack(ctx, made, report); err != nil {
		return made, err
	}
	return made, sh.compareSize(ctx, made)
}

// engine is what makes backups.
func (sh *shelf) engine(o order) func(context.Context, mysql.Target, dump.Options, string) (*backup.Manifest, error) {
	if o.engine == "mysqldump" {
		return dump.Foreign{Container: sh.service.Database.Container, Inspect: load.InspectText}.Run
	}
	return dump.Run
}

// readBack proves what was written by reading it, so that it counts as good.
func (sh *shelf) readBack(ctx context.Context, m *made, report func(ops.Progress)) error {
	check, err := sh.proof(ctx, m.Path, report)
	if err != nil {
		return err
	}
	if err := sh.remember(&backup.Set{Path: m.Path}, check); err != nil {
		return err
	}
	if !check.OK() {
		return ops.E(ops.Failed, lang.M("%s was written but does not read back as it should: %s", m.File, check.Problems[0].Text())).
			WithHint(lang.M("the disk may be failing: look at dmesg, then make another backup"))
	}
	return nil
}

func diskError(err error, dir string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return ops.Wrap(err, ops.Failed, lang.M("the disk of %s is full; nothing was left behind", dir)).
			WithHint(lang.M("make room with `opsdeck backup prune`, or give the folder a larger disk"))
	}
	return err
}
