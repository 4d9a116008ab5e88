package main

import (
	"fmt"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
)

func elsewhereDoc(sh *shelf, all []backup.Elsewhere) []elsewhereJSON {
	copies := sh.Service.Backup.Copies
	doc := []elsewhereJSON{}
	for i, e := range all {
		j := elsewhereJSON{
			Name:     e.Copy,
			Kind:     copies[i].Kind,
			Target:   copies[i].Target,
			LookedAt: timeOrNull(e.At),
			Held:     len(e.Sets),
			Good:     e.Good(),
			Bad:      len(e.Bad()),
		}
		for _, s := range e.Only {
			j.OnlyThere = append(j.OnlyThere, setJSON(s, backup.Step{}, time.Time{}))
		}
		doc = append(doc, j)
	}
	return doc
}

// sayElsewhere prints a line for each copy, and what only it holds.
func sayElsewhere(sh *shelf, all []backup.Elsewhere, now time.Time) {
	th := sh.theme()
	for _, e := range all {
		fmt.Fprintln(sh.out)
		if e.At.IsZero() {
			fmt.Fprintln(
				sh.out,
				th.Title.Render(sh.lang.T("copy %s", termsafe.Line(e.Copy)))+"  "+th.Dim.Render(
					sh.lang.T("not checked yet: opsdeck backup sync, or backup list --copy %s", termsafe.Line(e.Copy)),
				),
			)
			continue
		}
		fmt.Fprintln(
			sh.out,
			th.Title.Render(
				sh.lang.T("copy %s: %d backups, %d verified there", termsafe.Line(e.Copy), len(e.Sets), e.Good()),
			)+"  "+th.Dim.Render(sh.lang.T("checked at %s", backup.Ago(now.Sub(e.At)))),
		)
		table := cells.Table{Right: []int{4}, Max: sh.width()}
		for _, s := range e.Bad() {
			p, _ := s.Worst()
			table.Rows = append(table.Rows, sh.thereRow(s, now, p.Text()))
		}
		for _, s := range e.Only {
			if s.State != backup.Bad {
				table.Rows = append(table.Rows, sh.thereRow(s, now, lang.M("only at the copy")))
			}
		}
		fmt.Fprint(sh.out, table)
	}
}

// state is a backup's state for people.
func (sh *shelf) state(s *backup.Set) string {
	return sh.mark(s.State.Health(), sh.lang.Msg(s.State.Label()))
}

// thereRow is the row of a backup at a copy, with what is to say of it.
func (sh *shelf) thereRow(s *backup.Set, now time.Time, what lang.Msg) []string {
	return []string{
		"  " + sh.state(s),
		termsafe.Line(s.Name),
		s.At.In(now.Location()).Format("2006-01-02 15:04"),
		sh.lang.Msg(backup.Ago(now.Sub(s.At))),
		human.Bytes(s.Size),
		sh.lang.Msg(what),
	}
}
