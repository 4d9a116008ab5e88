package restores

import (
	"context"
	"slices"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// owned refuses a restore of another service: its commands, its server and its backups are
// not this Desk's.
func owned(d *Desk, p *restore.Plan) error {
	if ours(d, p) {
		return nil
	}
	return ops.E(ops.Usage, lang.M("the restore %s is of the service %s, not of %s", p.ID, p.Service, d.Service.Name)).
		WithHint(lang.M("name its service: %s", typed.Program(d.All.Path, p.Service)+" restore status "+p.ID))
}

// ours reports whether a restore is of this Desk's service: by its name, or, where no service
// has that name any more, by its database. The service was renamed then.
func ours(d *Desk, p *restore.Plan) bool {
	if p.Service == d.Service.Name {
		return true
	}
	return p.Target.Live == d.Service.Database.Name &&
		!slices.ContainsFunc(d.All.Services, func(s config.Service) bool { return s.Name == p.Service })
}

// Bound refuses a restore that was made for another service, or on another server than the
// one that the configuration names now: after a failover, on a replacement machine. A server
// that holds what the restore made counts as the same. One that does not answer is an error.
func Bound(ctx context.Context, d *Desk, p *restore.Plan) error {
	if err := owned(d, p); err != nil {
		return err
	}
	server := boundServer(d, p)
	defer server.Close()
	_, err := server.Facts.Identity(ctx)
	return err
}

// Runs are this service's restores, the newest first, and those that cannot be read.
func Runs(d *Desk) ([]string, error) {
	ids, err := d.Store.Runs()
	if err != nil {
		return nil, err
	}
	var own []string
	for _, id := range ids {
		if r, err := d.Store.Load(id); err != nil || ours(d, r.Plan) {
			own = append(own, id)
		}
	}
	return own, nil
}

// newestID is the newest of Runs; ErrNoRun where there is none.
func newestID(d *Desk) (string, error) {
	ids, err := Runs(d)
	if err == nil && len(ids) == 0 {
		err = run.ErrNoRun
	}
	if err != nil {
		return "", err
	}
	return ids[0], nil
}
