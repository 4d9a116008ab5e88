package deploys

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/host"
	"opsdeck/ops/service"
)

// releases are the folders of the releases that are started beside the running one.
type releases struct{ *Desk }

// folderOf is the folder that holds the releases of the code in a folder.
func (d releases) folderOf(dir string) string {
	if d.conf.Releases != "" {
		return config.Home(d.conf.Releases)
	}
	return filepath.Clean(dir) + "-releases"
}

// current is the work tree of the release that users get; "" where none was deployed into
// a folder of its own.
func current(releases string) (string, error) {
	tree, err := filepath.EvalSymlinks(deploy.Current(releases))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return tree, err
}

// beside fills in where the release of a plan will be, beside the one that runs, and
// refuses a plan that would change code which the service does not run.
func (d releases) beside(ctx context.Context, p *deploy.Plan) error {
	folder := d.folderOf(p.Dir)
	tree, err := current(folder)
	if err != nil {
		return err
	}
	if !deploy.Beside(p.Steps) {
		if tree == "" {
			return nil
		}
		return ops.E(ops.Config, lang.M("the service runs from %s; the plan %s changes %s, which it does not use",
			tree, p.Name, p.Dir)).
			WithHint(lang.M("deploy beside the running release: opsdeck deploy run %s; or start the service from %s "+
				"again and remove %s", blueGreen, p.Dir, deploy.Current(folder)))
	}
	r := d.repo(p)
	r.env = nil
	if p.Below, err = r.one(ctx, "rev-parse", "--show-prefix"); err != nil {
		return err
	}
	p.Below = strings.TrimSuffix(p.Below, "/")
	p.Releases = folder
	p.Former = p.Dir
	if tree != "" {
		p.Former = filepath.Join(tree, p.Below)
	}
	if d.conf.Switch.Start != "" && strings.Contains(d.conf.Switch.Start, filepath.Clean(p.Dir)+"/") {
		return ops.E(ops.Config,
			lang.M("deploy.switch.start names %s, but each release has a folder of its own", p.Dir)).
			WithHint(lang.M("use paths relative to the release: the command is run in its folder"))
	}
	p.Unshared, err = d.unshared(ctx, p)
	return err
}

// mainTree is the work tree that a release of ours was made from; dir itself where it is
// none of ours.
func mainTree(ctx context.Context, dir string) string {
	r := repo{dir: dir}
	top, err := r.one(ctx, "rev-parse", "--show-toplevel")
	if err != nil || !deploy.IsID(filepath.Base(top)) {
		return dir
	}
	common, err := r.one(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir")
	below, perr := r.one(ctx, "rev-parse", "--show-prefix")
	if err != nil || perr != nil || filepath.Base(common) != ".git" {
		return dir
	}
	return filepath.Join(filepath.Dir(common), below)
}

// shared are the files and folders that all releases use.
func (d releases) shared() []string {
	return slices.Compact(append([]string{filepath.Clean(d.conf.Env)}, d.conf.Shared...))
}

// unshared are the files and folders of the former release that git does not know, that
// no step makes again and that are not shared.
func (d releases) unshared(ctx context.Context, p *deploy.Plan) (out []string, err error) {
	lines, err := repo{dir: p.Former}.git(ctx, "-c", "core.quotepath=off", "status", "--porcelain", "--ignored", ".")
	if err != nil {
		return nil, err
	}
	known := slices.Concat(d.shared(), []string{npmLock})
	for _, s := range p.Steps {
		known = append(known, s.Keep...)
	}
	for _, l := range lines {
		mark, path, _ := strings.Cut(strings.TrimSpace(l), " ")
		path = strings.TrimPrefix(strings.Trim(path, `"`), p.Below)
		path = strings.Trim(path, "/")
		if (mark == "??" || mark == "!!") && !slices.Contains(known, path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// makeRelease brings the plan's commit into the folder of its release. The running one is
// not touched. A folder that an interrupted run left half made is made again.
func (r repo) makeRelease(ctx context.Context, p *deploy.Plan, shared []string) error {
	tree := p.Tree()
	made := repo{dir: tree, env: r.env, began: r.began}
	if exists(tree) {
		if head, err := made.one(ctx, "rev-parse", "HEAD"); err == nil && head == p.To && exists(p.Code()) {
			if files, lock, err := made.status(ctx); err == nil && len(files) == 0 && !lock {
				return r.share(p, shared)
			}
		}
	}
	if err := r.stillRuns(ctx, p); err != nil {
		return err
	}
	if _, err := r.git(ctx, "fetch", "--tags", "--force", r.remote); err != nil {
		return err
	}
	if err := r.removeTree(ctx, tree); err != nil {
		return err
	}
	if err := os.MkdirAll(p.Releases, 0o755); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("cannot make the folder of the releases: %s", p.Releases)).
			WithHint(lang.M("make it, or set deploy.releases in the configuration"))
	}
	if _, err := r.git(ctx, "worktree", "add", "--quiet", "--detach", tree, p.To); err != nil {
		return err
	}
	return r.share(p, shared)
}

// stillRuns refuses where the release that users get is not the one that the plan was
// made for.
func (r repo) stillRuns(ctx context.Context, p *deploy.Plan) error {
	head, err := repo{dir: p.Former}.one(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	tree, err := current(p.Releases)
	if err != nil {
		return err
	}
	former := p.Dir
	if tree != "" {
		former = filepath.Join(tree, p.Below)
	}
	if head == p.From && former == p.Former {
		return nil
	}
	return ops.E(ops.Failed, lang.M("the code is at %s, but the plan starts at %s", short(head), short(p.From))).
		WithHint(lang.M("make a new plan: opsdeck deploy plan %s", p.Name))
}

// share links what all releases use into a release. What the code brings itself stays.
func (r repo) share(p *deploy.Plan, shared []string) error {
	for _, name := range shared {
		from, to := filepath.Join(p.Dir, name), filepath.Join(p.Code(), name)
		if !exists(from) || exists(to) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(from, to); err != nil {
			return err
		}
	}
	return nil
}

// removeTree removes the work tree of a release, whole or half made.
func (r repo) removeTree(ctx context.Context, tree string) error {
	if exists(tree) {
		if _, err := r.git(ctx, "worktree", "remove", "--force", "--force", tree); err != nil {
			if err := os.RemoveAll(tree); err != nil {
				return err
			}
		}
	}
	_, err := r.git(ctx, "worktree", "prune")
	return err
}

// dropRelease removes the folder of a release that was taken back. One that is still used
// or that a person has changed stays, and that is said.
func (r repo) dropRelease(ctx context.Context, p *deploy.Plan) (lang.Msg, error) {
	tree := p.Tree()
	if !exists(tree) {
		_, err := r.git(ctx, "worktree", "prune")
		return lang.M("nothing to undo: there is no folder %s", tree), err
	}
	if why := r.keeps(ctx, p.Releases, tree); !why.Empty() {
		return lang.M("the folder of the release stays: %s: %s", tree, why), nil
	}
	return lang.M("the folder of the release is removed: %s", tree), r.removeTree(ctx, tree)
}

// keeps is why the folder of a release must stay; empty where it may be removed.
func (r repo) keeps(ctx context.Context, releases, tree string) lang.Msg {
	now, err := current(releases)
	if err != nil {
		return lang.M("cannot tell which release is in use: %s", err.Error())
	}
	if now == tree {
		return lang.M("it is the current release")
	}
	if pid := host.Uses(tree); pid > 0 {
		return lang.M("it is in use by pid %s", strconv.Itoa(pid))
	}
	if files, err := (repo{dir: tree}).changed(ctx); err == nil && len(files) > 0 {
		return lang.M("it has local changes: %s", strings.Join(files[:min(len(files), 10)], ", "))
	}
	return lang.Msg{}
}

// point lets the link to the current release name the folder of one, in one step; the
// former work tree, which was changed in place before, has none.
func point(releases, dir, code, below string) error {
	link := deploy.Current(releases)
	if code == dir {
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return atomicfile.SyncDir(releases)
	}
	tree := code
	if below != "" {
		tree = strings.TrimSuffix(code, string(filepath.Separator)+below)
	}
	next := link + ".tmp"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Base(tree), next); err != nil {
		return err
	}
	if err := os.Rename(next, link); err != nil {
		return err
	}
	return atomicfile.SyncDir(releases)
}

// moveTo says which folders of the code an instance is moved from when it is started in
// another one.
func (d releases) moveTo(p *deploy.Plan, to string) service.Move {
	if p.Releases == "" {
		return service.Move{}
	}
	m := service.Move{To: to, From: []string{p.Dir, p.Former, filepath.Join(deploy.Current(p.Releases), p.Below)}}
	entries, _ := os.ReadDir(p.Releases)
	for _, e := range entries {
		if e.IsDir() {
			m.From = append(m.From, filepath.Join(p.Releases, e.Name(), p.Below))
		}
	}
	return m
}
