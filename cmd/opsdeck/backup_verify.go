package main

import (
	"fmt"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

type backupVerifyCmd struct {
	Name string `arg:"" optional:"" help:"The backup's name; without one, all that are not verified yet, and the newest."`
	All  bool   `help:"Verify all, also those that were verified before."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type (
	backupVerifyJSON struct {
		Verified []verifiedJSON `json:"verified"`
		Good     int            `json:"good"`
		Bad      int            `json:"bad"`
	}
	verifiedJSON struct {
		Name       string   `json:"name"`
		State      string   `json:"state"`
		SizeBytes  int64    `json:"size_bytes"`
		SHA256     string   `json:"sha256"`
		Deep       bool     `json:"deep"`
		DurationMS int64    `json:"duration_ms"`
		Problems   []string `json:"problems"`
	}
)

// Run verifies backups. It ends with 1 when one is bad.
func (c *backupVerifyCmd) Run(a *app) error {
	if c.Name != "" && c.All {
		return ops.E(ops.Usage, lang.M("a name or --all, not both"))
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	inv, err := sh.read()
	if err != nil {
		return err
	}
	sets, err := c.choose(sh, inv)
	if err != nil {
		return err
	}
	doc := backupVerifyJSON{Verified: []verifiedJSON{}}
	for i, s := range sets {
		v, err := sh.verifyOne(inv, s, i+1, len(sets))
		if err != nil {
			return err
		}
		doc.Verified = append(doc.Verified, v)
		if v.State == string(backup.Bad) {
			doc.Bad++
		} else {
			doc.Good++
		}
		if !c.JSON {
			sh.sayVerified(v)
		}
	}
	if c.JSON {
		err = a.json(doc)
	} else if len(sets) == 0 {
		a.note(lang.M("there is nothing to verify"))
	}
	if err == nil && doc.Bad > 0 {
		err = ops.E(ops.Failed, lang.M("%d of %d backups are bad", doc.Bad, len(sets))).WithHint(lang.M("make a new one: opsdeck backup create"))
	}
	return err
}

// choose picks what to verify; names of one content are read once.
func (c *backupVerifyCmd) choose(sh *shelf, inv *backup.Inventory) ([]*backup.Set, error) {
	if c.Name != "" {
		s, err := sh.find(inv, c.Name)
		if err != nil {
			return nil, err
		}
		if s.Parsed.Physical {
			return nil, ops.E(ops.Usage, lang.M("%s is a physical backup folder: opsdeck cannot verify it", s.Name)).
				WithHint(lang.M("use the tool that made it"))
		}
		return []*backup.Set{s}, nil
	}
	return inv.ToVerify(c.All), nil
}

func (sh *shelf) verifyOne(inv *backup.Inventory, s *backup.Set, i, n int) (verifiedJSON, error) {
	p := sh.progress()
	start := time.Now()
	check, err := backup.Verify(sh.ctx, s.Path, sh.clock.Now, func(r ops.Progress) {
		r.Object = fmt.Sprintf("%d/%d %s", i, n, s.Name)
		p.report(r)
	})
	p.done()
	if err != nil {
		return verifiedJSON{}, err
	}
	took := time.Since(start)
	return sh.recorded(inv, s, check, took)
}

// recorded remembers a check and tells what the backup is thought of with it.
func (sh *shelf) recorded(inv *backup.Inventory, s *backup.Set, check backup.Check, took time.Duration) (verifiedJSON, error) {
	if file, manifest, err := backup.Identify(s.Path); err == nil {
		if err := sh.index.Record(file, manifest, check); err != nil {
			sh.note(lang.M("the result cannot be remembered: %s", err.Error()))
		}
	}
	now, err := sh.read()
	if err != nil {
		return verifiedJSON{}, err
	}
	v := verifiedJSON{Name: s.Name, State: string(backup.Bad), SizeBytes: s.Size, SHA256: check.SHA256, Deep: check.Deep, DurationMS: took.Milliseconds(), Problems: []string{}}
	if again := now.Find(s.Name); again != nil {
		v.State = string(again.State)
		for _, p := range again.Problems {
			v.Problems = append(v.Problems, p.Text().String())
		}
		*s = *again
	}
	return v, nil
}

func (sh *shelf) sayVerified(v verifiedJSON) {
	th := sh.theme()
	state := backup.State(v.State)
	style, glyph := th.State(state.Health())
	line := style.Render(glyph+" "+sh.lang.Msg(state.Label())) + "  " + termsafe.Line(v.Name)
	if v.DurationMS > 0 {
		line += th.Dim.Render("  " + human.Bytes(v.SizeBytes) + ", " + human.Rate(float64(v.SizeBytes)*1000/float64(v.DurationMS)))
	}
	fmt.Fprintln(sh.out, line)
	for _, p := range v.Problems {
		fmt.Fprintln(sh.out, "    "+termsafe.Line(p))
	}
}
