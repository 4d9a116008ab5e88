package backups

import (
	"context"
	"errors"
	"os"
	"strings"

	"filippo.io/age"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/drill"
)

// Drillable is the named backup, or the newest good one, or else the newest without a known
// problem: a drill is what proves it.
func (sh Driller) Drillable(inv *backup.Inventory, name string) (*backup.Set, error) {
	if name != "" {
		s, err := sh.Find(inv, name)
		if err == nil && s.Parsed.Physical {
			err = ops.E(ops.Usage, lang.M("%s is a physical backup folder: opsdeck cannot load it", s.Name))
		}
		return s, err
	}
	if s := backup.NewestUsable(inv, inv.Database); s != nil {
		return s, nil
	}
	what, next := inv.NoneGood()
	return nil, ops.E(ops.Failed, what).WithHint(next)
}

// DrillServer is the server for drills: the named service's server, else the configured
// drill server, else the service's own.
func (sh Driller) DrillServer(name string) (mysql.Target, string, error) {
	c := sh.Service.Database
	label := ""
	switch {
	case name != "":
		s, ok := sh.All.Service(name)
		if !ok {
			return mysql.Target{}, "", ops.E(ops.Usage, lang.M("no service %q is configured", name))
		}
		c, label = s.Database, name
	case sh.Service.Backup.DrillServer != (config.Database{}):
		c = sh.Service.Backup.DrillServer
		label = "drill_server"
	}
	t, err := mysql.Resolve(c)
	return t, label, err
}

// Drill runs a drill, and records it.
func (sh Driller) Drill(ctx context.Context, s *backup.Set, job drill.Job, server string,
	report func(ops.Progress)) (backup.Drill, error) {
	return sh.load(ctx, oplog.Entry{Action: "backup.drill", Object: s.Name}, s, job, server, report,
		func(d backup.Drill) error { return backup.AppendDrill(sh.StateDir, d) })
}

// load loads a backup into a scratch database and verifies the result, holding the lock
// for drills. keep records the result, if there is one.
func (sh Driller) load(ctx context.Context, entry oplog.Entry, s *backup.Set, job drill.Job, server string,
	report func(ops.Progress), keep func(backup.Drill) error) (backup.Drill, error) {
	var none backup.Drill
	if err := sh.Trusted(); err != nil {
		return none, err
	}
	what := strings.ReplaceAll(entry.Action, ".", " ")
	held, err := lock.Take(backup.DrillLockPath(sh.StateDir), lock.Holder{User: oplog.UserName(), What: what})
	if err != nil {
		return none, err
	}
	defer held.Release()
	target, label, err := sh.DrillServer(server)
	if err != nil {
		return none, err
	}
	if job.Identities, err = sh.Identities(); err != nil {
		return none, err
	}
	job.Target = target
	job.Path = s.Path
	job.Live = sh.Service.Database.Name
	job.Now = sh.Clock.Now
	job.Report = report
	if s.Foreign {
		job.From = s.Database
	}
	var d backup.Drill
	err = sh.Record(ctx, entry, func(ctx context.Context, detail map[string]string) error {
		if d, err = drill.Run(ctx, job); err != nil {
			return err
		}
		d.Operator = operator(sh.Getenv)
		d.Service = sh.Service.Name
		d.Backup = s.Name
		if label != "" {
			d.Target += " @ " + label
		}
		detail["result"] = d.Result
		detail["remark"] = d.Remark
		return keep(d)
	})
	return d, err
}

// operator is the person who runs the process.
func operator(getenv func(string) string) string {
	if sudo := getenv("SUDO_USER"); sudo != "" {
		return sudo
	}
	return oplog.UserName()
}

// Identities decrypt encrypted backups.
func (sh *Shelf) Identities() ([]age.Identity, error) {
	if sh.Service.Backup.Identity == "" {
		return nil, nil
	}
	return ReadIdentities(sh.Service.Backup.Identity)
}

// ReadIdentities reads the age key file that backup.identity names.
func ReadIdentities(path string) ([]age.Identity, error) {
	path = config.Home(path)
	text, err := config.ReadSecret(path)
	var open *config.InsecureError
	switch {
	case errors.As(err, &open):
		return nil, ops.Wrap(err, ops.Config, lang.M("other users can read the age key file %s", path)).
			WithHint(lang.M("run: chmod 600 %s", path))
	case err != nil:
		return nil, ops.Wrap(err, ops.Config, lang.M("the age key file %s cannot be read", path)).
			WithHint(lang.M("put the file back, or correct backup.identity in the configuration"))
	}
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the age identity in %s cannot be read", path)).
			WithHint(lang.M("put the file back, or correct backup.identity in the configuration"))
	}
	return ids, nil
}

// deepen loads a verified backup, and adds the result to the check. That is no drill:
// nobody rehearsed a restore, and the record of drills must not say so.
func (sh Driller) deepen(ctx context.Context, s *backup.Set, check backup.Check,
	report func(ops.Progress)) (backup.Check, error) {
	if !check.OK() {
		return check, nil
	}
	if _, err := os.Stat(s.Path); err != nil {
		return check, nil
	}
	entry := oplog.Entry{Action: "backup.verify", Object: s.Name}
	d, err := sh.load(ctx, entry, s, drill.Job{}, "", report, func(backup.Drill) error { return nil })
	if err != nil {
		return check, err
	}
	check.Deep, check.Sealed = true, false
	if d.Result != backup.Passed {
		check.Problems = append(check.Problems, backup.Problem{Code: backup.NoLoad, Args: []string{d.Remark}})
	}
	for _, args := range d.Dangling {
		check.Problems = append(check.Problems, backup.Problem{Code: backup.Dangling, Args: args})
	}
	return check, nil
}
