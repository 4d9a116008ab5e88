package deploys

import (
	"context"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// npmLock is the file that npm install itself changes: that is nobody's work.
const npmLock = "package-lock.json"

// changed are the tracked files that differ from the commit that is checked out.
func (r repo) changed(ctx context.Context) ([]string, error) {
	lines, _, err := r.status(ctx)
	return lines, err
}

// status are the changes of tracked files, and whether npm changed its lock file. git names
// files from the top of the work tree, which may be above the code.
func (r repo) status(ctx context.Context) (lines []string, lock bool, err error) {
	all, err := r.git(ctx, "-c", "core.quotepath=off", "status", "--porcelain", "--untracked-files=no")
	if err != nil || len(all) == 0 {
		return nil, false, err
	}
	below, err := r.one(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, false, err
	}
	for _, l := range all {
		l = strings.TrimSpace(l)
		if strings.ReplaceAll(l, `"`, "") == "M "+below+npmLock { // a name with a space is in quotes
			lock = true
			continue
		}
		lines = append(lines, l)
	}
	return lines, lock, nil
}

// dropLock brings back the package-lock.json of the commit that is checked out.
func (r repo) dropLock(ctx context.Context) error {
	_, lock, err := r.status(ctx)
	if err != nil || !lock {
		return err
	}
	_, err = r.git(ctx, "checkout", "--", npmLock)
	return err
}

// clean refuses where there are local changes.
func (r repo) clean(ctx context.Context) error {
	files, err := r.changed(ctx)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	return ops.E(ops.Failed,
		lang.M("the code in %s has local changes: %s", r.dir, strings.Join(files[:min(len(files), 10)],
			", "))).WithHint(lang.M("set them aside: cd %s && git stash", human.Shell(r.dir)))
}

// localCommits are the commits of the running release that were made on this machine: the
// remote has them on no branch and in no tag, and the new release does not hold them.
// Where no branch of the remote was ever fetched nothing is known, and nothing is said.
func (r repo) localCommits(ctx context.Context, from, to string) ([]string, error) {
	known, err := r.one(ctx, "for-each-ref", "--count=1", "refs/remotes/"+r.remote)
	if err != nil || known == "" {
		return nil, err
	}
	args := []string{"log", "--format=%h %s", "--max-count=10", from, "--not", "--remotes", "--tags"}
	if has, _ := r.one(ctx, "rev-parse", "--verify", "--quiet", to+"^{commit}"); has != "" {
		args = append(args, to)
	}
	return r.git(ctx, args...)
}

// keepsLocal refuses a plan that would take a fix out of service which somebody has committed
// here and never pushed, unless the revision was named: the commits stay on their branch.
func (r repo) keepsLocal(ctx context.Context, p *deploy.Plan, named bool) (err error) {
	if p.Local, err = r.localCommits(ctx, p.From, p.To); err != nil || len(p.Local) == 0 || named {
		return err
	}
	return ops.E(ops.Failed, lang.M("the running code has commits that %s does not have, and the new release would "+
		"be without them: %s", r.remote, listed(p.Local))).
		WithHint(lang.M("push them: cd %s && git push; or deploy without them: --revision %s", human.Shell(r.dir),
			human.Shell(p.Revision)))
}

// minded is what a plan's pull leaves behind.
func minded(p *deploy.Plan, beside bool) lang.Msg {
	var all []lang.Msg
	if len(p.Local) > 0 {
		all = append(all,
			lang.M("the new release will not have these commits, which were made here: %s", listed(p.Local)))
	}
	if beside && len(p.Unshared) > 0 {
		all = append(all,
			lang.M("the new release will not have these, because git does not know them: %s; share them with "+
				"deploy.shared in the configuration", listed(p.Unshared)))
	}
	switch len(all) {
	case 0:
		return lang.Msg{}
	case 1:
		return all[0]
	}
	return lang.M("%s; %s", all[0], all[1])
}
