package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

type backupPruneCmd struct {
	DryRun  bool   `help:"Show the plan and do nothing."`
	Confirm string `placeholder:"NAME" help:"The database's name, to confirm without a terminal."`
	Plan    string `placeholder:"HASH" help:"Execute only the plan with this hash, from --dry-run."`
	Foreign bool   `help:"Also prune files made by other tools."`
	Copy    string `placeholder:"NAME" help:"At this copy, by the copy's own retention."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

type (
	backupPruneJSON struct {
		Plan       string     `json:"plan"`
		Done       bool       `json:"done"`
		Blocked    []string   `json:"blocked"`
		Steps      []stepJSON `json:"steps"`
		FreesBytes int64      `json:"frees_bytes"`
	}
	stepJSON struct {
		Name       string   `json:"name"`
		Action     string   `json:"action"` // keep, rename, remove
		To         []string `json:"to,omitempty"`
		Reasons    []string `json:"reasons"`
		FreesBytes int64    `json:"frees_bytes"`
	}
)

// Run shows the retention plan and carries it out.
func (c *backupPruneCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := a.writable(); err != nil {
			return err
		}
		held, err := sh.Lock("backup prune")
		if err != nil {
			return err
		}
		defer held.Release()
		if err := sh.Nights().Idle(); err != nil {
			return err
		}
		if err := backup.Recover(sh.Dir); err != nil {
			return err
		}
	}
	if c.Copy != "" {
		return c.pruneCopy(ctx, sh)
	}
	plan, err := sh.Pruner().Plan(ctx, c.Foreign)
	if err != nil {
		return err
	}
	if c.Plan != "" && c.Plan != plan.Hash() {
		return ops.E(ops.Busy, lang.M("the plan has changed; nothing was done")).
			WithHint(lang.M("check it again with --dry-run"))
	}
	if !c.JSON {
		sh.sayPlan(plan)
	}
	if !c.DryRun {
		err = c.execute(ctx, sh, plan)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		if err := a.json(planJSON(plan, !c.DryRun && err == nil)); err != nil {
			return err
		}
	}
	return err
}

func (c *backupPruneCmd) execute(ctx context.Context, sh *shelf, plan *backup.Plan) error {
	if _, unreadable := sh.InUse(); len(plan.Blocked) > 0 && !unreadable.Empty() {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("check that restore: opsdeck restore status"))
	}
	if len(plan.Blocked) > 0 {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("make or verify a backup first: opsdeck backup create, opsdeck backup verify"))
	}
	if plan.Empty() {
		return sh.Index.Planned(plan.At)
	}
	what := lang.M(
		"%d backups will be removed permanently, freeing %s.",
		len(plan.Removes()),
		human.Bytes(plan.Frees),
	)
	if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	out, err := sh.Pruner().Prune(ctx, plan, func(s backup.Step) {
		if !c.JSON && s.Verb == backup.Remove {
			sh.note(lang.M("removed %s", s.Set.Name))
		}
	})
	if err == nil && !c.JSON {
		sh.say(
			lang.M("%d removed, %d renamed, %s freed", len(out.Removed), len(out.Renamed), human.Bytes(out.Freed)),
		)
	}
	return err
}

func planJSON(p *backup.Plan, done bool) backupPruneJSON {
	doc := backupPruneJSON{Plan: p.Hash(), Done: done, Blocked: []string{}, Steps: []stepJSON{}, FreesBytes: p.Frees}
	for _, why := range p.Blocked {
		doc.Blocked = append(doc.Blocked, why.String())
	}
	for _, s := range p.Steps {
		j := stepJSON{Name: s.Set.Name, Action: string(s.Verb), To: s.To, Reasons: []string{}, FreesBytes: s.Frees}
		for _, r := range s.Reasons {
			j.Reasons = append(j.Reasons, r.Text.String())
		}
		doc.Steps = append(doc.Steps, j)
	}
	return doc
}

func (sh *shelf) sayPlan(p *backup.Plan) {
	th := sh.theme()
	t := cells.Table{Max: sh.width()}
	for _, s := range p.Steps {
		word := sh.lang.Msg(s.Verb.Label())
		style := th.Dim
		switch s.Verb {
		case backup.Remove:
			word, style = "- "+word, th.Removed
		case backup.Rename:
			word, style = "~ "+word, th.Info
		default:
			word = "  " + word
		}
		var why []string
		for _, r := range s.Reasons {
			why = append(why, sh.lang.Msg(r.Text))
		}
		t.Rows = append(
			t.Rows,
			[]string{style.Render(word), termsafe.Line(s.Set.Name), termsafe.Line(strings.Join(why, "; "))},
		)
	}
	fmt.Fprint(sh.out, t)
	for _, why := range p.Blocked {
		fmt.Fprintln(sh.out, th.Warn.Render(th.Glyph.Warn+" "+sh.lang.T("nothing was removed: %s", why)))
	}
	sh.say(
		lang.M(
			"%d kept, %d renamed, %d removed, %s freed",
			len(p.Steps)-len(p.Removes())-len(p.Renames()),
			len(p.Renames()),
			len(p.Removes()),
			human.Bytes(p.Frees),
		),
	)
	sh.note(lang.M("plan %s of %s", p.Hash()[:12], p.At.Format(time.DateTime)))
}
