package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// elsewhereJSON is a configured copy as it was last looked at.
type elsewhereJSON struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"`
	Target    string       `json:"target"`
	LookedAt  *time.Time   `json:"looked_at"` // null: never
	Held      int          `json:"held"`
	Good      int          `json:"good"`
	OnlyThere []backupJSON `json:"only_there"`
}

// elsewhere is what the configured copies hold, as they were last looked at: by
// sync, by a stream, by list --copy. It needs no line to them.
func (sh *shelf) elsewhere(inv *backup.Inventory) ([]backup.Elsewhere, error) {
	if len(sh.service.Backup.Copies) == 0 {
		return nil, nil
	}
	known, err := backup.ReadCopies(sh.state, places(sh.service.Backup.Copies))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("what is known of the copies cannot be read"))
	}
	var all []backup.Elsewhere
	for _, c := range sh.service.Backup.Copies {
		l, err := backup.ReadListing(sh.state, c.Name, placeOf(c))
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("what is known of the copies cannot be read"))
		}
		all = append(all, inv.Beside(l, sh.scan(sh.dir), known))
	}
	return all, nil
}

// readOrNone is the local folder, or none at all where all backups are streamed
// to a copy and no folder was ever made.
func (sh *shelf) readOrNone(ctx context.Context) (*backup.Inventory, error) {
	if _, err := os.Stat(sh.dir); errors.Is(err, fs.ErrNotExist) && sh.service.Backup.StreamTo != "" {
		return sh.scan(sh.dir).NewInventory(nil), nil
	}
	return sh.readIn(ctx)
}

func elsewhereDoc(copies []config.Copy, all []backup.Elsewhere) []elsewhereJSON {
	doc := []elsewhereJSON{}
	for i, e := range all {
		j := elsewhereJSON{
			Name:      e.Copy,
			Kind:      copies[i].Kind,
			Target:    copies[i].Target,
			LookedAt:  timeOrNull(e.At),
			Held:      len(e.Sets),
			Good:      e.Good(),
			OnlyThere: []backupJSON{},
		}
		for _, s := range e.Only {
			j.OnlyThere = append(j.OnlyThere, setJSON(s, backup.Step{}, time.Time{}))
		}
		doc = append(doc, j)
	}
	return doc
}

// sayElsewhere prints a line for each copy, and what only it holds.
func (sh *shelf) sayElsewhere(all []backup.Elsewhere, now time.Time) {
	th := sh.theme()
	for _, e := range all {
		fmt.Fprintln(sh.out)
		if e.At.IsZero() {
			fmt.Fprintln(
				sh.out,
				th.Title.Render(
					sh.lang.T("copy %s", termsafe.Line(e.Copy)),
				)+"  "+th.Dim.Render(
					sh.lang.T(
						"not looked at yet: opsdeck backup sync, or backup list --copy %s",
						termsafe.Line(e.Copy),
					),
				),
			)
			continue
		}
		fmt.Fprintln(
			sh.out,
			th.Title.Render(
				sh.lang.T("copy %s: %d held, %d read back", termsafe.Line(e.Copy), len(e.Sets), e.Good()),
			)+"  "+th.Dim.Render(
				sh.lang.T("looked at %s", ago(now.Sub(e.At))),
			),
		)
		table := cells.Table{Right: []int{4}, Max: sh.width()}
		for _, s := range e.Only {
			style, glyph := th.State(s.State.Health())
			table.Rows = append(
				table.Rows,
				[]string{
					"  " + style.Render(glyph+" "+sh.lang.Msg(s.State.Label())),
					termsafe.Line(s.Name),
					s.At.In(now.Location()).Format("2006-01-02 15:04"),
					sh.lang.Msg(ago(now.Sub(s.At))),
					human.Bytes(s.Size),
					sh.lang.T("only there"),
				},
			)
		}
		fmt.Fprint(sh.out, table)
	}
}

// listCopy lists a copy by its own folder and manifests, looked at now.
func (c *backupListCmd) listCopy(sh *shelf) error {
	found, err := sh.copies(c.Copy)
	if err != nil {
		return err
	}
	cp, err := sh.copier(found[0], sh.flags.ReadOnly, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(sh.ctx, sh.scan(found[0].Target))
	if err != nil {
		return err
	}
	if c.JSON {
		return sh.json(sh.listJSON(inv, inv.Tiers(keepAt(sh, found[0]), sh.daily, grace), nil))
	}
	sh.list(inv, inv.Tiers(keepAt(sh, found[0]), sh.daily, grace), nil)
	return nil
}

// keepAt is a copy's own rule, or the service's.
func keepAt(sh *shelf, c config.Copy) backup.Keep {
	if k := c.Keep; k != (config.Keep{}) {
		return backup.Keep{
			Daily:     k.Daily,
			Weekly:    k.Weekly,
			Monthly:   k.Monthly,
			Emergency: k.Emergency,
			Manual:    k.Manual,
		}
	}
	return sh.keep()
}
