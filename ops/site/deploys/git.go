package deploys

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/host"
)

// repo is the work tree of a service's code.
type repo struct {
	dir, remote string
	env         []string
	began       func(deploy.Child) error // may be nil
}

// git runs git and returns the lines of its output. It never asks for a password.
func (r repo) git(ctx context.Context, args ...string) ([]string, error) {
	out := host.Run(ctx, host.Command{Argv: append([]string{"git"}, args...), Dir: r.dir, Keep: 1000, Started: r.began,
		Env: append([]string{"GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_SSH_COMMAND=ssh -oBatchMode=yes"}, r.env...)})
	if out.Err != nil {
		return out.Tail, ops.Wrap(out.Err, ops.Failed, lang.M("git %s failed: %s", verbOf(args), lang.Raw(strings.Join(
			out.Tail[max(0, len(out.Tail)-3):], "; ")))).
			WithHint(lang.M("run it by hand: cd %s && git %s", human.Shell(r.dir), strings.Join(args, " ")))
	}
	return out.Tail, nil
}

// verbOf is the command among git's arguments.
func verbOf(args []string) string {
	for i := 0; i < len(args); i++ {
		if args[i] == "-c" {
			i++
			continue
		}
		return args[i]
	}
	return ""
}

// MayUndo refuses to take a deployment back over what people did since: commits and
// changes of files that git knows would be lost.
func (d *Desk) MayUndo(ctx context.Context, one *deploy.Deployment) error {
	err := d.mayUndo(ctx, one.Plan)
	if err == nil {
		err = d.kept(ctx, one)
	}
	return d.veil(one.Plan.Dir).fault(d.Lang, err)
}

func (d *Desk) mayUndo(ctx context.Context, p *deploy.Plan) error {
	if p.To == "" || p.Releases != "" { // a release of its own: nothing of the former one is changed
		return nil
	}
	r := d.repo(p)
	r.env = nil
	if err := r.clean(ctx); err != nil {
		return err
	}
	head, err := r.one(ctx, "rev-parse", "HEAD")
	if err != nil || head == p.To || head == p.From {
		return err
	}
	return ops.E(ops.Failed, lang.M("the code in %s is at %s, but this deployment checked out %s: later commits "+
		"would be lost", r.dir, short(head), short(p.To))).
		WithHint(lang.M("see: cd %s && git log --oneline %s..HEAD; check out %s to roll the deployment back",
			human.Shell(r.dir), short(p.To), short(p.To)))
}

// one is the only line of git's answer.
func (r repo) one(ctx context.Context, args ...string) (string, error) {
	lines, err := r.git(ctx, args...)
	if err != nil || len(lines) == 0 {
		return "", err
	}
	return lines[0], nil
}

// resolveCommits fills in the commits of a plan: where the running code is, and where it will be.
func (d *Desk) resolveCommits(ctx context.Context, p *deploy.Plan) (err error) {
	r := repo{dir: p.Dir, remote: p.Remote}
	named := p.Revision != ""
	if p.From, err = d.former(p).one(ctx, "rev-parse", "HEAD"); err != nil {
		return err
	}
	if p.Branch, err = r.one(ctx, "rev-parse", "--abbrev-ref", "HEAD"); err != nil {
		return err
	}
	if p.Branch == "HEAD" {
		p.Branch = ""
	}
	if p.Revision == "" {
		if p.Branch == "" {
			return ops.E(ops.Usage, lang.M("no branch is checked out in %s", r.dir)).
				WithHint(lang.M("name what to deploy: --revision main"))
		}
		p.Revision = p.Branch
	}
	if strings.HasPrefix(p.Revision, "-") {
		return ops.E(ops.Usage, lang.M("%q is not a revision", p.Revision))
	}
	if p.To, err = r.resolve(ctx, p.Revision); err != nil {
		return err
	}
	return r.keepsLocal(ctx, p, named)
}

var aCommit = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// resolve finds the commit of a branch or tag on the remote, or of a commit's name.
func (r repo) resolve(ctx context.Context, revision string) (string, error) {
	lines, err := r.git(ctx, "ls-remote", r.remote, "refs/heads/"+revision, "refs/tags/"+revision,
		"refs/tags/"+revision+"^{}")
	if err != nil {
		return "", err
	}
	if len(lines) > 0 { // a tag's commit, after ^{}, comes last
		commit, _, _ := strings.Cut(lines[len(lines)-1], "\t")
		if first, name, _ := strings.Cut(lines[0], "\t"); strings.HasPrefix(name, "refs/heads/") {
			commit = first
		}
		commit, _, _ = strings.Cut(commit, " ")
		return commit, nil
	}
	if aCommit.MatchString(revision) {
		if commit, err := r.one(ctx, "rev-parse", "--verify", "--quiet", revision+"^{commit}"); err == nil &&
			commit != "" {
			return commit, nil
		}
		if len(revision) == 40 {
			return revision, nil // the fetch will bring it
		}
	}
	return "", ops.E(ops.Usage, lang.M("%s has no branch, tag or commit %q", r.remote, revision)).
		WithHint(lang.M("list them: cd %s && git ls-remote %s", human.Shell(r.dir), r.remote))
}

// pull brings the plan's commit and checks it out: the branch moves forward where it
// can, else the commit is checked out alone.
func (r repo) pull(ctx context.Context, p *deploy.Plan) error {
	head, err := r.one(ctx, "rev-parse", "HEAD")
	if err != nil || head == p.To {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if err := r.dropLock(ctx); err != nil {
		return err
	}
	if head != p.From {
		return ops.E(ops.Failed, lang.M("the code is at %s, but the plan starts at %s", short(head), short(p.From))).
			WithHint(lang.M("make a new plan: opsdeck deploy plan %s", p.Name))
	}
	if _, err := r.git(ctx, "fetch", "--tags", "--force", r.remote); err != nil {
		return err
	}
	if _, err := r.git(ctx, "merge-base", "--is-ancestor", p.From, p.To); err == nil && p.Branch != "" {
		_, err = r.git(ctx, "merge", "--ff-only", p.To)
		return err
	}
	_, err = r.git(ctx, "checkout", "--detach", p.To)
	return err
}

// back checks the commit and branch out that the plan began with. What the tools of
// the deployment changed in tracked files is kept in git under refs/opsdeck.
func (r repo) back(ctx context.Context, p *deploy.Plan) error {
	if err := r.dropLock(ctx); err != nil {
		return err
	}
	if files, err := r.changed(ctx); err != nil {
		return err
	} else if len(files) > 0 {
		kept, err := r.one(ctx, "stash", "create")
		if err != nil {
			return err
		}
		if kept != "" {
			if _, err := r.git(ctx, "update-ref", "refs/opsdeck/"+p.ID, kept); err != nil {
				return err
			}
		}
		if _, err := r.git(ctx, "reset", "--hard", "HEAD"); err != nil {
			return err
		}
	}
	if p.Branch != "" {
		if _, err := r.git(ctx, "checkout", p.Branch); err != nil {
			return err
		}
	} else if _, err := r.git(ctx, "checkout", "--detach", p.From); err != nil {
		return err
	}
	_, err := r.git(ctx, "reset", "--keep", p.From)
	return err
}

// keptFolder is where a deployment keeps folders, on the disk of the code and out of
// git's sight.
func (r repo) keptFolder(ctx context.Context, id string) (string, error) {
	dir, err := r.one(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "opsdeck", id), nil
}

// keep copies a folder aside, once. A folder that was not there is noted as absent.
func (r repo) keep(ctx context.Context, id, step, folder string) error {
	kept, err := r.keptFolder(ctx, id)
	if err != nil {
		return err
	}
	path := filepath.Join(kept, step, filepath.FromSlash(folder))
	if exists(path) || exists(path+".absent") {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	from := filepath.Join(r.dir, folder)
	if !exists(from) {
		return atomicfile.WriteBytes(path+".absent", 0o600, nil)
	}
	if err := os.RemoveAll(path + ".part"); err != nil {
		return err
	}
	out := host.Run(ctx, host.Command{Argv: []string{"cp", "-a", "--reflink=auto", from, path + ".part"}, Env: r.env,
		Started: r.began})
	if out.Err != nil {
		return ops.Wrap(out.Err, ops.Failed, lang.M("cannot keep a copy of %s: %s", from, out.Why()))
	}
	return durably(path+".part", path)
}

// durably gives a copied folder its name once all of its files are on the disk: a copy that
// has its name is taken for whole after a crash.
func durably(from, to string) error {
	d, err := os.Open(from) // a folder
	if err != nil {
		return err
	}
	err = unix.Syncfs(int(d.Fd())) // once for all: a folder of packages has many thousand files
	d.Close()
	if err != nil {
		return &fs.PathError{Op: "sync", Path: from, Err: err}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(to))
}

// putBack gives a folder the content that was kept. ran tells that the step's program was
// started: then a copy was kept, and one that is neither there nor back is an error.
func (r repo) putBack(ctx context.Context, id, step, folder string, ran bool) error {
	kept, err := r.keptFolder(ctx, id)
	if err != nil {
		return err
	}
	path := filepath.Join(kept, step, filepath.FromSlash(folder))
	now := filepath.Join(r.dir, folder)
	switch {
	case exists(path + ".absent"):
		return os.RemoveAll(now)
	case !exists(path) && ran && !exists(path+".back"):
		return ops.E(ops.Failed, lang.M("the kept copy no longer exists: %s", path)).
			WithHint(lang.M("install the packages again: cd %s && npm install", human.Shell(r.dir)))
	case !exists(path): // the step had not begun to change it, or it is back already
		return os.RemoveAll(path + ".new")
	}
	if err := atomicfile.WriteBytes(path+".back", 0o600, nil); err != nil {
		return err
	}
	if err := os.RemoveAll(path + ".new"); err != nil {
		return err
	}
	if exists(now) {
		if err := os.Rename(now, path+".new"); err != nil {
			return err
		}
	}
	if err := os.Rename(path, now); err != nil {
		return err
	}
	if err := errors.Join(atomicfile.SyncDir(filepath.Dir(now)), atomicfile.SyncDir(filepath.Dir(path))); err != nil {
		return err
	}
	return os.RemoveAll(path + ".new")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// short is a commit as people write it.
func short(commit string) string { return commit[:min(len(commit), 10)] }
