package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/site/schedule"
)

type scheduleInstallCmd struct {
	With    string   `enum:",systemd,cron" default:"" placeholder:"systemd|cron" help:"Use this scheduler instead of the detected one."`
	Replace bool     `help:"Comment out this user's crontab lines that certainly back up this database into this folder; each is shown and confirmed."`
	Line    []string `placeholder:"LINE" sep:"none" help:"Of these lines, comment out only this one, as it is in the crontab; repeat it for several."`
	Confirm string   `placeholder:"NAME" help:"The database's name, to confirm the lines of --replace without a terminal."`
	DryRun  bool     `help:"Show what would be installed, install nothing."`
}

type scheduleRemoveCmd struct {
	DryRun bool `help:"Show what would be removed, remove nothing."`
}

// installer finds the schedules.
func (sh *shelf) installer() *schedule.Installer {
	return schedule.NewInstaller(sh.Shelf, sh.flags.ConfigFile)
}

// Run installs the schedule.
func (c *scheduleInstallCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if _, err := sh.Nights().Jobs(nil); err != nil { // a schedule that cannot be read
		return err
	}
	in := sh.installer()
	with := c.With
	if with == "" {
		with = in.Here()
	}
	if with == "" {
		return ops.E(ops.Failed, lang.M("this machine has neither systemd nor cron")).
			WithHint(lang.M("keep `opsdeck watch` running: it is a scheduler of its own"))
	}
	old, err := c.qualified(ctx, in)
	if err != nil {
		return err
	}
	if c.DryRun {
		return preview(ctx, sh, in, with, old)
	}
	if err := a.writable(); err != nil {
		return err
	}
	if old, err = c.agreed(ctx, sh, old); err != nil {
		return err
	}
	return in.Install(ctx, with, texts(old), func() {
		a.say(lang.M("installed in %s", with))
		for _, l := range old {
			a.say(lang.M("commented out: %s", l.Line))
		}
		for _, o := range in.OldJobs(ctx) {
			a.note(lang.M("this line is still scheduled, and may be a backup of this or of another system: %s",
				strings.TrimSpace(o.File+" "+o.Line)))
		}
	})
}

func texts(lines []schedule.ProvenLine) (out []string) {
	for _, l := range lines {
		out = append(out, l.Line)
	}
	return out
}

// preview prints what would be installed, with these lines commented out.
func preview(
	ctx context.Context, sh *shelf, in *schedule.Installer, with string, old []schedule.ProvenLine,
) error {
	if with == schedule.Systemd {
		units, err := in.Units()
		if err != nil {
			return err
		}
		for _, u := range units {
			fmt.Fprintf(sh.out, "# %s\n%s\n", u.Path, u.Text)
		}
		for _, l := range old {
			sh.note(lang.M("this line of the crontab would be commented out: %s", l.Line))
		}
		return nil
	}
	text, err := in.Crontab(ctx, texts(old))
	if err != nil {
		return err
	}
	fmt.Fprint(sh.out, text)
	return nil
}

// qualified are the lines that may be commented out: all that are provably this backup's,
// or those that --line names.
func (c *scheduleInstallCmd) qualified(
	ctx context.Context, in *schedule.Installer,
) (lines []schedule.ProvenLine, err error) {
	if !c.Replace && len(c.Line) == 0 {
		return nil, nil
	}
	proven, err := in.Proven(ctx)
	if err != nil || len(c.Line) == 0 {
		return proven, err
	}
	for _, named := range c.Line {
		i := slices.IndexFunc(proven, func(l schedule.ProvenLine) bool {
			return strings.TrimSpace(l.Line) == strings.TrimSpace(named)
		})
		if i < 0 {
			return nil, ops.E(ops.Usage, lang.M(
				"no line of the crontab that certainly backs up this database into this folder is: %s", named)).
				WithHint(lang.M("see which lines qualify: %s", "opsdeck backup schedule install --replace --dry-run"))
		}
		lines = append(lines, proven[i])
	}
	return lines, nil
}

// agreed shows each line, with why it qualifies. A person at a terminal is asked for each
// of them; without one --confirm takes one line, and several only if --line names each.
func (c *scheduleInstallCmd) agreed(
	ctx context.Context, sh *shelf, lines []schedule.ProvenLine,
) (taken []schedule.ProvenLine, err error) {
	ask := c.Confirm == "" && sh.atTerminal()
	for i, l := range lines {
		sh.note(lang.M("line %d of %d of the crontab that can be commented out: %s", i+1, len(lines), l.Line))
		sh.note(c.why(sh, l))
		if ask && sh.saysYes(ctx, lang.M("Comment out this line? [y/N]")) {
			taken = append(taken, l)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	switch {
	case ask || len(lines) == 0:
		return taken, nil
	case len(lines) > 1 && len(c.Line) == 0:
		return nil, ops.E(ops.Usage, lang.M("--replace must not take %d lines at once; nothing was done", len(lines))).
			WithHint(lang.M("name each line that is meant: %s", c.naming(sh, lines)))
	}
	return lines, sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, lang.Msg{})
}

// why tells what proves a line.
func (c *scheduleInstallCmd) why(sh *shelf, l schedule.ProvenLine) lang.Msg {
	if l.By != "" {
		return lang.M("it runs %s, which dumps %s into %s", l.By, sh.Service.Database.Name, sh.Dir)
	}
	return lang.M("it dumps %s into %s", sh.Service.Database.Name, sh.Dir)
}

// naming is the command that names these lines, as a shell takes it.
func (c *scheduleInstallCmd) naming(sh *shelf, lines []schedule.ProvenLine) string {
	words := []string{"opsdeck backup schedule install"}
	if c.With != "" {
		words = append(words, "--with "+c.With)
	}
	for _, l := range lines {
		words = append(words, "--line "+human.Shell(strings.TrimSpace(l.Line)))
	}
	return strings.Join(append(words, confirmFlag(sh.Service.Database.Name)), " ")
}

// Run removes the schedule.
func (c *scheduleRemoveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	in := sh.installer()
	where, err := in.Installed(ctx)
	if err != nil {
		return err
	}
	if where == schedule.Nowhere {
		a.note(lang.M("no schedule is installed"))
		return nil
	}
	if c.DryRun {
		a.say(lang.M("would remove the schedule from %s", where))
		return nil
	}
	return in.Remove(ctx, where, func() {
		a.say(lang.M("removed from %s; there are no automatic backups any more", where))
	})
}
