package main

import (
	"context"
	"fmt"
	"slices"

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
	l := sh.listing(inv, sh.Keep())
	if c.JSON {
		return a.json(listJSON(sh, l, away))
	}
	sh.list(l, away)
	if len(inv.Sets) == 0 {
		sh.note(lang.M("no backups yet; make one: opsdeck backup create"))
	} else if backup.NewestAnywhere(inv, away, inv.Database) == nil && backup.NewestProved(inv, inv.Database) == nil {
		_, next := inv.NoneGood()
		sh.note(next)
	}
	sayElsewhere(sh, away, inv.At)
	sh.Maker().NoteUnfinished()
	return nil
}

// listing is an inventory by its own rule of retention.
type listing struct {
	*backup.Inventory
	keep  backup.Keep
	tiers []backup.TierInfo
	plan  *backup.Plan
}

func (sh *shelf) listing(inv *backup.Inventory, keep backup.Keep) listing {
	policy := sh.Policy()
	policy.Keep = keep
	return listing{inv, keep, inv.Tiers(keep, sh.Daily, backups.Grace), backup.PlanRetention(inv, policy)}
}

func listJSON(sh *shelf, inv listing, away []backup.Elsewhere) backupListJSON {
	doc := backupListJSON{
		Unfinished: sh.Maker().Unfinished(),
		Dir:        inv.Dir,
		Database:   inv.Database,
		DiskBytes:  inv.Bytes,
		FreeBytes:  inv.Disk.Free,
		KeyProblem: backups.KeyProblem(sh.Service.Backup).String(),
		Copies:     elsewhereDoc(sh, away),
	}
	if s := backup.Newest(inv.Inventory, inv.Database); s != nil {
		age := inv.At.Sub(s.At).Milliseconds()
		doc.NewestGood = &s.Name
		doc.AgeMS = &age
	}
	for _, t := range inv.tiers {
		j := tierJSON{Name: string(t.Tier), Keep: t.Keep, Held: t.Held}
		for _, s := range t.Unfilled() {
			j.Missing = append(j.Missing, slotName(t.Tier, s))
		}
		doc.Tiers = append(doc.Tiers, j)
	}
	for i, s := range inv.Sets {
		doc.Backups = append(doc.Backups, setJSON(s, inv.plan.Steps[i], inv.plan.Expires(s, inv.Zone, inv.keep)))
	}
	return doc
}

// list prints the inventory for people.
func (sh *shelf) list(inv listing, away []backup.Elsewhere) {
	th := sh.theme()
	fmt.Fprintln(sh.out, th.Bold.Render(termsafe.Line(inv.Dir))+"  "+sh.lang.Msg(inv.Headline(away)))
	if inv.Disk.Total > 0 {
		fmt.Fprintln(sh.out, th.Dim.Render(sh.lang.Msg(inv.Room())))
	}
	sh.keyProblem()
	for _, p := range inv.Problems {
		sh.note(lang.M("the backup folder: %s", p.Text()))
	}
	for _, t := range inv.tiers {
		if len(t.Listed()) == 0 && len(t.Missing()) == 0 {
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
	fmt.Fprintln(sh.out, sh.mark(ops.StateCritical, sh.lang.T("no backup can be made or restored: %s", why)))
}

// tier prints the backups of a tier. One that is of another tier by its name, and fills one of
// this tier's periods, is marked "=".
func (sh *shelf) tier(inv listing, t backup.TierInfo) {
	th := sh.theme()
	table := cells.Table{Right: []int{4}, Max: sh.width()}
	for _, s := range t.Listed() {
		name := termsafe.Line(s.Name)
		if s.Tier != t.Tier {
			name = "= " + name
		}
		table.Rows = append(table.Rows, []string{
			"  " + sh.state(s),
			name,
			s.At.In(inv.Zone).Format("2006-01-02 15:04"),
			sh.lang.Msg(backup.Ago(inv.At.Sub(s.At))),
			s.SizeText(),
			termsafe.Line(sh.lang.Msg(inv.remark(s))),
		})
	}
	fmt.Fprint(sh.out, table)
	var missing []string
	for _, s := range t.Missing() {
		missing = append(missing, sh.lang.Msg(s.Label(t.Tier)))
	}
	if len(missing) > 0 {
		style, _ := th.State(missingState)
		fmt.Fprintln(sh.out, "  "+style.Render(th.Glyph.Pending+" "+sh.lang.T("missing: %s", lang.List(missing))))
	}
}

// remark is what is said beside a backup: what is wrong with it or missing in it, else that
// it expires.
func (l listing) remark(s *backup.Set) lang.Msg {
	part := l.Part(s)
	if p, ok := s.Worst(); ok && (part.Empty() || p.Fatal()) {
		return p.Text()
	}
	if i := slices.Index(l.Sets, s); part.Empty() && l.plan.Steps[i].Verb == backup.Remove {
		return lang.M("removed at next prune")
	}
	return part
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
	l := sh.listing(inv, backups.KeepAt(sh.Shelf, found))
	if c.JSON {
		return sh.json(listJSON(sh, l, nil))
	}
	sh.list(l, nil)
	switch e := cp.Gone; {
	case e != nil:
		sh.note(backups.EmptiedText(found, *e))
	case len(inv.Sets) == 0:
		sh.note(lang.M("no backups at the copy %s; send them: %s", c.Copy,
			"opsdeck backup sync --copy "+human.Shell(c.Copy)))
	}
	return nil
}
