package main

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
)

type (
	backupPruneJSON struct {
		Plan       string     `json:"plan"`
		Done       bool       `json:"done"`
		Blocked    []string   `json:"blocked"`
		Steps      []stepJSON `json:"steps"`
		FreesBytes int64      `json:"frees_bytes"`
		// Binlog is the archived binlog that no backup needs afterwards; prune removes it too.
		Binlog []surplusJSON `json:"binlog,omitempty"`
	}
	surplusJSON struct {
		Name      string `json:"name"`
		Server    string `json:"server"`
		SizeBytes int64  `json:"size_bytes"`
	}
	stepJSON struct {
		Name       string   `json:"name"`
		Action     string   `json:"action"` // keep, rename, remove
		To         []string `json:"to,omitempty"`
		Reasons    []string `json:"reasons"`
		FreesBytes int64    `json:"frees_bytes"`
	}
)

func planJSON(p *backup.Plan, done bool) backupPruneJSON {
	doc := backupPruneJSON{Plan: p.Hash(), Done: done, FreesBytes: p.Frees}
	for _, why := range p.Blocked {
		doc.Blocked = append(doc.Blocked, why.String())
	}
	for _, s := range p.Steps {
		j := stepJSON{Name: s.Set.Name, Action: string(s.Verb), To: s.To, FreesBytes: s.Frees}
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
		for _, reason := range s.Why() {
			why = append(why, sh.lang.Msg(reason))
		}
		t.Rows = append(t.Rows,
			[]string{style.Render(word), termsafe.Line(s.Set.Name), termsafe.Line(strings.Join(why, sh.lang.T("; ")))})
	}
	fmt.Fprint(sh.out, t)
	for _, why := range p.Blocked {
		fmt.Fprintln(sh.out, th.Warn.Render(th.Glyph.Warn+" "+sh.lang.T("nothing was removed: %s", why)))
	}
	sh.say(lang.M("%d kept, %d renamed, %d removed, %s freed", len(p.Steps)-len(p.Removes())-len(p.Renames()),
		len(p.Renames()), len(p.Removes()), human.Bytes(p.Frees)))
	sh.note(lang.M("plan %s of %s", p.Hash()[:12], p.At.Format(time.DateTime)))
}
