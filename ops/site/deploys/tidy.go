package deploys

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// keptReleases is how many of the newest deployments can be taken back: the folders and
// changes that they replaced stay in the repository's git folder.
const keptReleases = 5

// tidy removes what older deployments kept in the repository, and says so. What belongs
// to one that is not over, to another service or to nobody that is known stays.
func (d *Desk) tidy(ctx context.Context, p *deploy.Plan) error {
	r := d.repo(p)
	r.env = nil
	old, err := d.expired()
	if err != nil || len(old) == 0 {
		return err
	}
	dir, err := r.keptFolder(ctx, "")
	if err != nil {
		return err
	}
	if err := (releases{d}).tidy(ctx, p, old); err != nil {
		return err
	}
	for _, id := range old {
		path := filepath.Join(dir, id)
		ref := "refs/opsdeck/" + id
		lines, err := r.git(ctx, "for-each-ref", "--format=%(refname)", ref)
		if err != nil {
			return err
		}
		if !exists(path) && len(lines) == 0 {
			continue
		}
		d.Say(lang.M("removing the copies that deployment %s kept for a rollback: only the newest %d keep theirs", id,
			keptReleases))
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if len(lines) > 0 {
			if _, err := r.git(ctx, "update-ref", "-d", ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy removes the folders of old releases: those of deployments that can no longer
// be rolled back, which nothing runs from and nobody has changed. The release before the
// oldest that can be rolled back stays: that roll-back needs it.
func (d releases) tidy(ctx context.Context, p *deploy.Plan, old []string) error {
	if p.Releases == "" {
		return nil
	}
	needed, err := d.formers()
	if err != nil {
		return err
	}
	r := d.repo(p)
	r.env = nil
	for _, id := range old {
		tree := filepath.Join(p.Releases, id)
		if !exists(tree) || slices.Contains(needed, filepath.Join(tree, p.Below)) {
			continue
		}
		if why := r.keeps(ctx, p.Releases, tree); !why.Empty() {
			d.Say(lang.M("the folder of an old release stays: %s: %s", tree, why))
			continue
		}
		d.Say(lang.M("removing the folder of an old release: %s: only the newest %d keep theirs", tree,
			keptReleases))
		if err := r.removeTree(ctx, tree); err != nil {
			return err
		}
	}
	return nil
}

// formers are the code's folders that the deployments which can be rolled back go back to.
func (d releases) formers() (out []string, err error) {
	all, err := d.Store().Of(d.Service.Name)
	for _, one := range all[:min(len(all), keptReleases)] {
		out = append(out, one.Plan.Former)
	}
	return out, err
}

// expired are the service's deployments that are over and older than those that can be
// taken back.
func (d *Desk) expired() (ids []string, err error) {
	all, err := d.Store().Of(d.Service.Name)
	if err != nil {
		return nil, err
	}
	for _, one := range all[min(len(all), keptReleases):] {
		switch one.State.Result {
		case deploy.ResultDone, deploy.ResultTakenBack:
			ids = append(ids, one.Plan.ID)
		}
	}
	return ids, nil
}

// kept refuses to take back what is no longer kept, before anything is changed.
func (d *Desk) kept(ctx context.Context, one *deploy.Deployment) error {
	p := one.Plan
	if p.Releases != "" {
		return formerThere(p)
	}
	ids, err := d.expired()
	if err != nil || !slices.Contains(ids, p.ID) {
		return err
	}
	var folders []string
	for _, s := range p.Steps {
		if one.State.Data[deploy.RanKey(s)] != "" {
			folders = append(folders, s.Keep...)
		}
	}
	if len(folders) == 0 {
		return nil
	}
	r := d.repo(p)
	r.env = nil
	path, err := r.keptFolder(ctx, p.ID)
	if err != nil || exists(path) {
		return err
	}
	return ops.E(ops.Failed, lang.M("deployment %s is too old to roll back: its copies of %s were removed", p.ID,
		strings.Join(folders, ", "))).
		WithHint(lang.M("deploy that revision again: opsdeck deploy run %s --revision %s", p.Name, short(p.From)))
}

// formerThere refuses to go back to a release whose folder no longer exists.
func formerThere(p *deploy.Plan) error {
	if exists(p.Former) {
		return nil
	}
	return ops.E(ops.Failed,
		lang.M("deployment %s cannot be rolled back: the folder of the previous release no longer "+
			"exists: %s", p.ID, p.Former)).
		WithHint(lang.M("deploy that revision again: opsdeck deploy run %s --revision %s", p.Name, short(p.From)))
}
