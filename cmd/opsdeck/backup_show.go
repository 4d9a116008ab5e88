package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
)

type backupShowCmd struct {
	Name string `arg:"" help:"The backup's name."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type (
	backupShowJSON struct {
		backupJSON
		RawBytes    int64           `json:"raw_bytes"`
		Rows        int64           `json:"rows"`
		SHA256      string          `json:"sha256"`
		Consistent  bool            `json:"consistent"`
		Consistency string          `json:"consistency"`
		DurationMS  int64           `json:"duration_ms"`
		Server      backup.Server   `json:"server"`
		Position    backup.Position `json:"position"`
		Sources     []backup.Source `json:"sources,omitempty"`
		Tables      []tableJSON     `json:"tables"`
		Objects     []backup.Object `json:"objects"`
		Warnings    []string        `json:"warnings"`
		Names       []string        `json:"names"` // all that its contents have here
	}
	tableJSON struct {
		Database   string `json:"database"`
		Name       string `json:"name"`
		Engine     string `json:"engine"`
		Rows       int64  `json:"rows"`
		DataBytes  int64  `json:"data_bytes"`
		Checksum   string `json:"checksum"`
		Definition bool   `json:"definition_only,omitempty"` // the backup holds none of its rows
	}
)

// Run shows one backup.
func (c *backupShowCmd) Run(ctx context.Context, a *app) error {
	sh, inv, s, err := a.named(ctx, c.Name)
	if err != nil {
		return err
	}
	var m *backup.Manifest
	if !s.Foreign {
		m, _ = backup.ReadManifest(s.Path) // what is wrong with it is among the problems
	}
	if m == nil {
		m = &backup.Manifest{}
	}
	doc := showJSON(sh, inv, s, m)
	if c.JSON {
		return a.json(doc)
	}
	sh.show(inv, s, m, doc)
	if _, lost := inv.Shrunk(s); lost {
		sh.note(lang.M("  ! if they were removed on purpose: %s", "opsdeck backup accept "+human.Shell(s.Name)))
	}
	return nil
}

func showJSON(sh *shelf, inv *backup.Inventory, s *backup.Set, m *backup.Manifest) backupShowJSON {
	plan := backup.PlanRetention(inv, sh.Policy())
	doc := backupShowJSON{
		RawBytes:    m.RawBytes,
		Rows:        m.Rows(),
		SHA256:      m.SHA256,
		Consistent:  m.Consistent,
		Consistency: m.Consistency,
		DurationMS:  m.FinishedAt.Sub(m.StartedAt).Milliseconds(),
		Server:      m.Server,
		Position:    m.Position,
		Sources:     m.Sources,
		Objects:     m.Objects,
		Warnings:    m.Warnings,
		Names:       inv.NamesOf(s),
	}
	for _, step := range plan.Steps {
		if step.Set == s {
			doc.backupJSON = setJSON(s, step, plan.Expires(s, inv.Zone, sh.Keep()))
		}
	}
	for _, t := range m.Tables {
		doc.Tables = append(doc.Tables,
			tableJSON{t.Database, t.Name, t.Engine, t.Rows, t.DataBytes, t.Checksum, t.DefinitionOnly})
	}
	for _, w := range m.Lacks() {
		doc.Warnings = append(slices.Clone(doc.Warnings), w.String())
	}
	return doc
}

func (sh *shelf) show(inv *backup.Inventory, s *backup.Set, m *backup.Manifest, doc backupShowJSON) {
	th := sh.theme()
	fmt.Fprintln(sh.out, th.Bold.Render(termsafe.Line(s.Name))+"  "+sh.state(s))
	facts := cells.Table{Max: sh.width()}
	fact := func(what lang.Msg, value string) {
		if value != "" {
			facts.Rows = append(facts.Rows, []string{"  " + th.Dim.Render(sh.lang.Msg(what)), termsafe.Line(value)})
		}
	}
	for _, p := range s.Problems {
		fact(lang.M("note"), sh.lang.Msg(p.Text()))
	}
	for _, w := range m.Lacks() {
		fact(lang.M("note"), sh.lang.Msg(w))
	}
	for _, w := range m.Warnings {
		fact(lang.M("note"), w)
	}
	fact(lang.M("part"), sh.lang.Msg(inv.Part(s)))
	fact(lang.M("path"), s.Path)
	fact(lang.M("data as of"),
		s.At.In(inv.Zone).Format("2006-01-02 15:04:05 MST")+", "+sh.lang.Msg(backup.Ago(inv.At.Sub(s.At))))
	fact(lang.M("database"), strings.Join(append(m.Databases, s.Database)[:max(1, len(m.Databases))], ", "))
	fact(lang.M("tier"), sh.lang.Msg(s.Tier.Label()))
	fact(lang.M("size"), sizeLine(s, m))
	fact(lang.M("last check"), sh.checked(inv, s))
	if m.SHA256 != "" {
		fact(lang.M("made by"), strings.TrimSpace(m.Tool+", "+m.Engine+", "+m.Server.Flavour+" "+m.Server.Version))
		fact(lang.M("took"), human.Duration(m.FinishedAt.Sub(m.StartedAt)))
		fact(lang.M("consistent"), sh.drawn(consistency(m)))
		fact(lang.M("position"), strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Position.File, zeroless(m.Position.Pos),
			m.Position.GTID)))
	}
	fact(lang.M("names"), strings.Join(doc.Names, ", "))
	fact(lang.M("kept"), strings.Join(keptBecause(sh, inv, s), sh.lang.T("; ")))
	fmt.Fprint(sh.out, facts)
	sh.tables(m)
}

func sizeLine(s *backup.Set, m *backup.Manifest) string {
	if m.RawBytes == 0 || s.Size == 0 {
		return human.Bytes(s.Size)
	}
	return fmt.Sprintf("%s (%s, 1:%.1f)", human.Bytes(s.Size), human.Bytes(m.RawBytes),
		float64(m.RawBytes)/float64(s.Size))
}

// keptBecause is why retention keeps a backup, in the reader's language.
func keptBecause(sh *shelf, inv *backup.Inventory, s *backup.Set) (out []string) {
	for _, step := range backup.PlanRetention(inv, sh.Policy()).Steps {
		if step.Set != s || step.Verb == backup.Remove {
			continue
		}
		for _, reason := range step.Why() {
			out = append(out, sh.lang.Msg(reason))
		}
	}
	return out
}

func consistency(m *backup.Manifest) string {
	if m.Consistency == "" {
		return "–"
	}
	return m.Consistency
}

func zeroless(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (sh *shelf) checked(inv *backup.Inventory, s *backup.Set) string {
	if s.Checked.IsZero() {
		return sh.lang.T("never")
	}
	at := s.Checked.In(inv.Zone).Format("2006-01-02 15:04") + ", " + sh.lang.Msg(backup.Ago(inv.At.Sub(s.Checked)))
	switch {
	case s.Deep:
		at += ", " + sh.lang.T("loaded whole")
	case s.State == backup.Unverified && s.Foreign:
		at += ", " + sh.lang.T("the file is whole, its rows were not loaded")
	}
	if s.Sealed {
		at += ", " + sh.lang.T("encrypted, only the file's hash was verified")
	}
	return at
}

func (sh *shelf) tables(m *backup.Manifest) {
	if len(m.Tables) == 0 {
		return
	}
	t := cells.Table{
		Head:  []string{"  " + sh.lang.T("table"), sh.lang.T("engine"), sh.lang.T("rows"), sh.lang.T("size")},
		Right: []int{2, 3},
		Max:   sh.width(),
	}
	for _, x := range m.Tables {
		rows := human.Count(x.Rows)
		if x.DefinitionOnly {
			rows = sh.lang.T("definition only")
		}
		cols := []string{"  " + termsafe.Line(x.Name), termsafe.Line(x.Engine), rows, human.Bytes(x.DataBytes)}
		t.Rows = append(t.Rows, cols)
	}
	fmt.Fprintln(sh.out)
	fmt.Fprint(sh.out, t)
	kinds := map[string]int{}
	for _, o := range m.Objects {
		kinds[o.Kind]++
	}
	for _, kind := range []string{"view", "procedure", "function", "trigger", "event", "sequence", "package"} {
		if n := kinds[kind]; n > 0 {
			fmt.Fprintf(sh.out, "  %s: %d\n", kind, n)
		}
	}
}
