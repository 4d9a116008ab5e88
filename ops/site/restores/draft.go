package restores

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/probe"
	"opsdeck/ops/restore"
)

// Draft makes the plan of a choice after a look at the target.
func (d *Desk) Draft(ctx context.Context, c restore.Choice) (*restore.Plan, error) {
	find := func() (restore.Source, error) { return d.Finder().Source(ctx, c.Source) }
	if c.Moment != nil {
		find = func() (restore.Source, error) { return d.Finder().rolled(ctx, c) }
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
		if err := d.Shelf.Trusted(); err != nil {
			return nil, err
		}
	}
	set, err := d.settings()
	if err != nil {
		return nil, err
	}
	server := d.server()
	defer server.Close()
	a, err := server.Surveyor.Survey(ctx, d.Service.Database.Name, src, c)
	if err != nil {
		return nil, d.noEntry(err)
	}
	if c.Into == "" {
		if err := d.Finder().inspect(ctx, &src); err != nil {
			return nil, err
		}
	}
	if err := server.Surveyor.Rehearse(ctx, a, d.Service.Database.Name, src, c); err != nil {
		return nil, err
	}
	d.Finder().tellLogged(ctx, src, c, a)
	d.Finder().tellLogThere(ctx, src, c, a)
	a.Warm = besideWarm(ctx, d, server, c)
	a.Disk.SaveFree, a.Disk.SaveFolder = freeAt(d.Shelf.Dir), d.Shelf.Dir
	if f := saveFolder(d, c); f != nil {
		a.Findings = append(a.Findings, *f)
	}
	if src.Copy != "" {
		a.Disk.NeedFetch = src.SizeBytes
	}
	d.surveySource(a, src)
	a.Drill = d.newestDrill()
	now := d.Clock.Now()
	return restore.Draft(restore.NewID(now, uint16(rand.Uint32())), now, c, set, src, d.Service.Database.Name, a), nil
}

// fromSchema takes the database of that name out of the backup. The loader refuses a
// dump that does not hold it, and whatever would land outside the target.
func fromSchema(src *restore.Source, name string) error {
	switch {
	case name == "" || name == src.Database:
	case src.Manifest:
		return ops.E(ops.Usage, lang.M("the backup does not contain the database %s", name)).
			WithHint(lang.M("its manifest names %s; remove --from-schema", src.Database))
	default:
		src.Database = name
	}
	return nil
}

// foreignTo is an error where a backup of another database would take the place of
// the service's, and nobody named that database.
func (d *Desk) foreignTo(src restore.Source, c restore.Choice) error {
	live := d.Service.Database.Name
	if !src.Manifest || src.Database == "" || src.Database == live || c.From != "" || c.Into != "" {
		return nil
	}
	return ops.E(ops.Usage, lang.M("the backup does not contain the database %s", live)).
		WithHint(lang.M("it contains %s: choose one of these with --from-schema", termsafe.Line(src.Database)))
}

// newestDrill is the newest whole drill that went well: how long a restore takes.
func (d *Desk) newestDrill() (newest *restore.Drill) {
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

// noEntry says what to do when the server does not let this user in: often only
// root may, by the socket.
func (d *Desk) noEntry(err error) error {
	var known *ops.Error
	number := mysql.Number(err)
	if (number == mysql.ErrAccessDenied || number == mysql.ErrNoPassword) && errors.As(err, &known) {
		return known.WithHint(
			lang.M(
				"check user and password in the options file; or set database.socket, through which root " +
					"logs in without a password, and run this again as root",
			),
		)
	}
	return err
}

// surveySource finds out whether the backup can be opened at all: an encrypted
// one without its identity is told now, not when the service is down.
func (d *Desk) surveySource(a *restore.Assessment, src restore.Source) {
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
// saveFolder is the finding that the emergency backup cannot be written; nil if it can, or
// if none is made.
func saveFolder(d *Desk, c restore.Choice) *restore.Finding {
	if c.Into != "" {
		return nil
	}
	err := probe.Folder(d.Shelf.Dir).Unwritable
	if err == nil {
		return nil
	}
	why, fix := doctor.Unwritable(d.Shelf.Dir, err)
	f := &restore.Finding{State: ops.StateCritical, Blocks: !c.Unsaved,
		What: restore.N(lang.M("the emergency backup cannot be written: %s", why)),
		Hint: restore.N(lang.M("find the cause: %s; to restore without an emergency backup, add --without-backup %s",
			fix, d.Service.Database.Name))}
	return f
}

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

// Compare is the target as it is now, from a backup's point of view.
func (d *Desk) Compare(ctx context.Context, name string) (*restore.Assessment, error) {
	p, err := d.Draft(ctx, restore.Choice{Source: name})
	if err != nil {
		return nil, err
	}
	return p.Assessment, nil
}
