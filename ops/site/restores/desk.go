// Package restores plans, begins and carries out the restores of one service, and
// rescues what a backup still holds. A restore runs in a process of its own; whoever
// watches it reads its folder.
package restores

import (
	"cmp"
	"slices"
	"strings"

	agelib "filippo.io/age"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/service"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// Desk is what the restore verbs and the Restore tab work with: the chosen
// service's backups, its server, and the runs so far.
type Desk struct {
	*site.Site
	Shelf  *backups.Shelf
	Target mysql.Target
	Store  run.Store
	// Tell is told of long work that a plan takes; nil: nobody reads it.
	Tell func(lang.Msg)
}

// Open opens the desk of a service.
func Open(s *site.Site) (*Desk, error) {
	sh, err := backups.Open(s)
	if err != nil {
		return nil, err
	}
	target, err := mysql.Resolve(s.Service.Database)
	if err != nil {
		return nil, err
	}
	return &Desk{Site: s, Shelf: sh, Target: target, Store: run.Store{Dir: s.StateDir}}, nil
}

// server is the adapter of the target.
func (d *Desk) server() *swap.Server {
	return swap.New(d.serverSettings())
}

// boundServer is the adapter of the server on which a restore was made, and of no other.
func boundServer(d *Desk, p *restore.Plan) *swap.Server {
	s := d.serverSettings()
	s.Bound = p
	return swap.New(s)
}

func (d *Desk) serverSettings() swap.Settings {
	return swap.Settings{
		Target: d.Target,
		Jobs:   d.Service.Backup.Jobs,
		Audit:  d.Service.Audit.Table,
		Loader: d.loader(),
		Marks:  backups.DeadlyPath(d.StateDir),
		Log:    d.openLog,
		Folder: d.Store.Folder,
		Prove:  sourcer{d}.Ensure,
		Others: d.Finder().unwritten,
	}
}

func (d *Desk) loader() swap.Engine { return swap.Engine{Target: d.Target, Identities: d.identities} }

// identities are those that open encrypted backups.
func (d *Desk) identities() ([]agelib.Identity, error) {
	path := d.Service.Backup.Identity
	if path == "" {
		return nil, ops.E(ops.Config, lang.M("the backup is encrypted, and backup.identity is not set"))
	}
	return backups.ReadIdentities(path)
}

// settings are those of the configuration.
func (d *Desk) settings() (restore.Settings, error) {
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
		EmergencyDir: d.Shelf.Dir,
		Operator:     d.Operator(),
		Client:       site.MysqlClient(s.Database),
		Process: restore.Process{
			Kind:  s.Process.Kind,
			Name:  cmp.Or(s.Process.Name, s.Name),
			Stop:  cmds.Stop,
			Start: cmds.Start,
		},
		Verify: restore.Checks{KeyTables: s.Restore.KeyTables, SmokeTest: s.Restore.SmokeTest},
	}
	if s.Health.URL != "" {
		set.Ready = restore.Ready{
			URL:  strings.TrimRight(s.Health.URL, "/") + "/health/ready",
			Wait: restore.Span(s.Restore.ReadyWait),
		}
	}
	for _, n := range s.Notify {
		if len(n.On) == 0 || slices.Contains(n.On, "restore") {
			set.Notify = append(set.Notify, n.Name)
		}
	}
	if len(s.Backup.Recipients) > 0 {
		set.EmergencyExt = ".age"
	}
	return set, nil
}
