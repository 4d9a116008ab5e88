package backups

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"opsdeck/internal/diskfull"
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

// Order is the request for a backup, where it differs from the configuration.
type Order struct {
	Kind      string // "" is manual
	Engine    string
	Databases []string // empty means the service's
	All       bool
	Tables    []string
	Where     string
	year      int // of an archive
	NoData    bool
	NoHistory bool
	Broken    bool
	Jobs      int
	Compress  string
	LockWait  time.Duration
	BytesRate int64
	Threads   int
	To        []string // age recipients
	Copy      string   // where it is streamed to; "" is this machine
	doubt     string   // the restore that cannot be read
}

// Made is the result of a backup.
type Made struct {
	*backup.Manifest
	Path  string
	Copy  string   // the copy that it was streamed to
	Links []string // weekly and monthly names
	Took  time.Duration

	Shrink *backup.Shrink // what earlier backups had and it lacks; nil for nothing
}

// OrderOf completes an order from the service's configuration.
func (sh Maker) OrderOf(o Order) (Order, error) {
	b := sh.Service.Backup
	if o.Kind == "" {
		o.Kind = backup.KindManual
	}
	if o.Engine == "" {
		o.Engine = b.Engine
	}
	if len(o.Databases) == 0 && !o.All {
		o.Databases = []string{sh.Service.Database.Name}
	}
	if o.Compress == "" {
		o.Compress = b.Compress
	}
	if o.Jobs == 0 {
		o.Jobs = b.Jobs
	}
	o.Jobs = min(o.Jobs, runtime.NumCPU())
	if o.LockWait == 0 {
		o.LockWait = b.LockWait
	}
	if o.Threads == 0 {
		o.Threads = b.Throttle.Threads
	}
	if o.BytesRate == 0 && b.Throttle.BytesPerSecond != "" {
		rate, err := human.ParseBytes(b.Throttle.BytesPerSecond)
		if err != nil {
			return o, ops.Wrap(err, ops.Config, lang.M("backup.throttle.bytes_per_second is not a size"))
		}
		o.BytesRate = rate
	}
	if len(o.To) == 0 {
		o.To = b.Recipients
		if err := KeyFits(b); err != nil &&
			o.Kind != backup.KindEmergency { // before a restore any backup is better than none
			return o, err
		}
	}
	o.Broken = o.Broken || o.Kind == backup.KindEmergency
	return o, nil
}

// Spec determines the file name of a backup made at that time.
func (o Order) Spec(at time.Time) backup.Spec {
	ext := ".sql.gz"
	if o.Compress == "zstd" {
		ext = ".sql.zst"
	}
	if len(o.To) > 0 {
		ext += ".age"
	}
	return backup.Spec{
		Kind:      o.Kind,
		Databases: o.Databases,
		All:       o.All,
		Tables:    o.Tables,
		Year:      o.year,
		At:        at,
		Ext:       ext,
	}
}

// Options are the options of the dump.
func (o Order) Options(now func() time.Time, report func(ops.Progress)) dump.Options {
	return dump.Options{
		Refuses:    load.NewTrial().Refuses,
		Databases:  o.Databases,
		All:        o.All,
		Tables:     o.Tables,
		Where:      o.Where,
		NoData:     o.NoData,
		NoHistory:  o.NoHistory,
		Broken:     o.Broken,
		Jobs:       o.Jobs,
		Compress:   o.Compress,
		Recipients: o.To,
		LockWait:   o.LockWait,
		BytesRate:  o.BytesRate,
		Threads:    o.Threads,
		Doubt:      o.doubt,
		Kind:       o.Kind, Tool: "opsdeck " + version.Get().String(), Report: report, Now: now,
	}
}

// Make makes a backup in the service's folder, holding the lock for backups, and records
// it. A failure leaves no files.
func (sh Maker) Make(ctx context.Context, o Order, report func(ops.Progress)) (*Made, error) {
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return nil, err
	}
	if o.doubt, err = sh.halfLoaded(ctx, o); err != nil {
		return nil, err
	}
	if o.doubt == "" { // else it is told, and the backup does not count as good
		if err := sh.loadedElsewhere(ctx, o); err != nil {
			return nil, err
		}
	}
	held, err := sh.Lock("backup create")
	if err != nil {
		return nil, err
	}
	defer held.Release()
	write := sh.Offsite().stream
	if o.Copy == "" {
		if err := sh.tidy(); err != nil {
			return nil, err
		}
		write = sh.dump
	}
	var m *Made
	entry := oplog.Entry{
		Action: "backup.create",
		Object: strings.Join(o.Databases, ","),
		Detail: map[string]string{"kind": o.Kind, "engine": o.Engine},
	}
	err = sh.Record(ctx, entry, func(ctx context.Context, detail map[string]string) error {
		err := sh.Prover().surviving(ctx, target, o.Databases, func() (err error) {
			m, err = write(ctx, o, target, report)
			return err
		})
		if err != nil {
			return err
		}
		detail["name"], detail["sha256"] = m.File, m.SHA256
		if err := backup.RememberServer(sh.StateDir, sh.Service.Name, m.Server.Identity, m.StartedAt); err != nil {
			return err
		}
		if m.Copy != "" {
			detail["copy"] = m.Copy
		}
		return nil
	})
	return m, err
}

// Trusted refuses a backup folder in which other users can create or replace files.
func (sh *Shelf) Trusted() error { return trust.Path(sh.Dir) }

// NoteOpenFolder warns if other users can see the names in the backup folder.
func (sh Maker) NoteOpenFolder() {
	if info, err := os.Stat(sh.Dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		sh.Say(lang.M("note: other users can list the backup folder %s; restrict it: chmod 700 %s", sh.Dir,
			human.Shell(sh.Dir)))
	}
}

// tidy prepares the folder for another backup.
func (sh Maker) tidy() error {
	if err := os.MkdirAll(sh.Dir, 0o700); err != nil {
		return ops.Wrap(err, ops.Config, lang.M("the backup folder %s cannot be created", sh.Dir))
	}
	sh.sweep()
	sweepSecrets()
	return backup.Recover(sh.Dir)
}

// dump writes the backup under a unique name and creates the further links.
func (sh Maker) dump(ctx context.Context, o Order, target mysql.Target, report func(ops.Progress)) (*Made, error) {
	start := sh.Clock.Now()
	name, err := backup.Reserve(sh.Dir, o.Spec(start.Local()))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the backup folder %s cannot be written", sh.Dir)).
			WithHint(lang.M("see who owns it and how its disk is mounted (ls -ld, findmnt -T), or set backup.dir"))
	}
	path := filepath.Join(sh.Dir, name)
	began := time.Now()
	m, err := sh.engine(o)(ctx, target, o.Options(sh.Clock.Now, report), path)
	if err != nil {
		backup.Release(sh.Dir, name)
		return nil, DiskError(err, sh.Dir)
	}
	made := &Made{Manifest: m, Path: path, Took: time.Since(began)}
	if made.Links, err = backup.LinkTiers(sh.Dir, name, m, start.Local()); err != nil {
		return made, ops.Wrap(err, ops.Failed,
			lang.M("the backup %s is good, but its weekly or monthly name could not be made", name))
	}
	if err := sh.readBack(ctx, made, report); err != nil {
		return made, err
	}
	return made, sh.compareSize(ctx, made)
}

// engine returns the function that makes the backup.
func (sh Maker) engine(o Order) func(context.Context, mysql.Target, dump.Options, string) (*backup.Manifest, error) {
	if o.Engine == "mysqldump" {
		return dump.Foreign{Container: sh.Service.Database.Container, Inspect: load.InspectText}.Run
	}
	return dump.Run
}

// readBack verifies what was written, so that it counts as good.
func (sh Maker) readBack(ctx context.Context, m *Made, report func(ops.Progress)) error {
	check, err := sh.Prover().proof(ctx, m.Path, report)
	if err != nil {
		return err
	}
	if err := sh.Prover().remember(&backup.Set{Path: m.Path}, check); err != nil {
		return err
	}
	if !check.OK() {
		return ops.E(ops.Failed,
			lang.M("%s was written but failed verification: %s", m.File, check.Problems[0].Text())).
			WithHint(lang.M("the disk may be failing: check dmesg, then make another backup"))
	}
	return nil
}

// DiskError adds a hint to the error of a full disk; other errors are unchanged.
func DiskError(err error, dir string) error {
	if diskfull.Is(err) {
		return ops.Wrap(err, ops.Failed, lang.M("the disk of %s is full; no partial file was left", dir)).
			WithHint(lang.M("find what fills it: `opsdeck runbook disk-full`; or move the folder to a larger disk"))
	}
	return err
}
