package main

import (
	"context"
	"fmt"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
)

type backupListCmd struct {
	Copy string `placeholder:"NAME" help:"List what this configured copy has now."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists the backups.
func (c *backupListCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if c.Copy != "" {
		return c.listCopy(ctx, sh)
	}
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return err
	}
	away, err := sh.Elsewhere(inv)
	if err != nil {
		return err
	}
	tiers := inv.Tiers(sh.Keep(), sh.Daily, backups.Grace)
	if c.JSON {
		return a.json(listJSON(sh, inv, tiers, away))
	}
	sh.list(inv, tiers, away)
	if len(inv.Sets) == 0 {
		sh.note(lang.M("no backups yet; make one: opsdeck backup create"))
	}
	sayElsewhere(sh, away, inv.At)
	sh.Maker().NoteUnfinished()
	return nil
}

func listJSON(sh *shelf, inv *backup.Inventory, tiers []backup.TierInfo, away []backup.Elsewhere) backupListJSON {
	doc := backupListJSON{
		Unfinished: sh.Maker().Unfinished(),
		Dir:        inv.Dir,
		Database:   inv.Database,
		DiskBytes:  inv.Bytes,
		FreeBytes:  inv.Disk.Free,
		KeyProblem: backups.KeyProblem(sh.Service.Backup).String(),
		Backups:    []backupJSON{},
		Copies:     elsewhereDoc(sh, away),
	}
	if s := backup.Newest(inv, inv.Database); s != nil {
		age := inv.At.Sub(s.At).Milliseconds()
		doc.NewestGood = &s.Name
		doc.AgeMS = &age
	}
	for _, t := range tiers {
		j := tierJSON{Name: string(t.Tier), Keep: t.Keep, Held: t.Held, Missing: []string{}}
		for _, s := range t.Unfilled() {
			j.Missing = append(j.Missing, slotName(t.Tier, s))
		}
		doc.Tiers = append(doc.Tiers, j)
	}
	plan := backup.PlanRetention(inv, sh.Policy())
	for i, s := range inv.Sets {
		doc.Backups = append(doc.Backups, setJSON(s, plan.Steps[i], plan.Expires(s, inv.Zone, sh.Keep())))
	}
	return doc
}

// list prints the inventory for people.
func (sh *shelf) list(inv *backup.Inventory, tiers []backup.TierInfo, away []backup.Elsewhere) {
	th := sh.theme()
	fmt.Fprintln(sh.out, th.Bold.Render(termsafe.Line(inv.Dir))+"  "+sh.lang.Msg(inv.Headline(away)))
	if inv.Disk.Total > 0 {
		fmt.Fprintln(sh.out, th.Dim.Render(sh.lang.Msg(inv.Room())))
	}
	sh.keyProblem()
	for _, p := range inv.Problems {
		sh.note(lang.M("the backup folder: %s", p.Text()))
	}
	for _, t := range tiers {
		if len(t.Sets) == 0 && len(t.Missing()) == 0 {
			continue
		}
		fmt.Fprintln(sh.out)
		fmt.Fprintln(sh.out, th.Title.Render(sh.lang.Msg(t.Title())))
		sh.tier(inv, t)
	}
}

// keyProblem says that the configured key opens no backup: good files are then of no use.
func (sh *shelf) keyProblem() {
	why := backups.KeyProblem(sh.Service.Backup)
	if why.Empty() {
		return
	}
	th := sh.theme()
	style, mark := th.State(ops.StateCritical)
	fmt.Fprintln(sh.out, style.Render(mark+" "+sh.lang.T("no backup can be made or restored: %s", why)))
}

func (sh *shelf) tier(inv *backup.Inventory, t backup.TierInfo) {
	th := sh.theme()
	table := cells.Table{Right: []int{4}, Max: sh.width()}
	for _, s := range t.Sets {
		style, glyph := th.State(s.State.Health())
		what := sh.lang.Msg(inv.Part(s))
		if p, ok := s.Worst(); ok && (what == "" || p.Fatal()) {
			what = sh.lang.Msg(p.Text())
		}
		table.Rows = append(
			table.Rows,
			[]string{"  " + style.Render(glyph+" "+sh.lang.Msg(s.State.Label())), termsafe.Line(s.Name),
				s.At.In(inv.Zone).
					Format("2006-01-02 15:04"),
				sh.lang.Msg(backup.Ago(inv.At.Sub(s.At))), s.SizeText(), termsafe.Line(what)},
		)
	}
	fmt.Fprint(sh.out, table)
	var missing []string
	for _, s := range t.Missing() {
		missing = append(missing, sh.lang.Msg(s.Label(t.Tier)))
	}
	if len(missing) > 0 {
		style, _ := th.State(missingState)
		fmt.Fprintln(
			sh.out,
			"  "+style.Render(th.Glyph.Pending+" "+sh.lang.T("missing: %s", lang.List(missing))),
		)
	}
}

// listCopy lists a copy by its own folder and manifests, looked at now.
func (c *backupListCmd) listCopy(ctx context.Context, sh *shelf) error {
	found, cp, err := sh.Offsite().Open(c.Copy, sh.flags.ReadOnly)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(ctx, sh.Scan(found.Target))
	if err != nil {
		return err
	}
	if c.JSON {
		return sh.json(listJSON(sh, inv, inv.Tiers(backups.KeepAt(sh.Shelf, found), sh.Daily, backups.Grace), nil))
	}
	sh.list(inv, inv.Tiers(backups.KeepAt(sh.Shelf, found), sh.Daily, backups.Grace), nil)
	switch e := cp.Gone; {
	case e != nil:
		sh.note(backups.EmptiedText(found, *e))
	case len(inv.Sets) == 0:
		sh.note(lang.M("no backups at the copy %s; send them: %s", c.Copy,
			"opsdeck backup sync --copy "+human.Shell(c.Copy)))
	}
	return nil
}
