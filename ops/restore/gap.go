package restore

import (
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// worthAStop is the number of rows that a table must have, now or in earlier backups, for
// a backup with less than half of them to stop the restore.
const worthAStop = 10

// Gap is a table that the restore would drop, empty, or shrink, or another object that it
// would drop.
type Gap struct {
	Table string `json:"table"` // or the object's name
	Rows  int64  `json:"rows"`  // in the backup, or after the replay; -1: not in it
	Was   int64  `json:"was"`   // now, or in earlier backups; -1 if unknown
	Key   bool   `json:"key_table,omitempty"`
	// Rolled tells that Rows is the number after the replay, AtLeast that there may be more,
	// because the log does not tell how many.
	Rolled  bool `json:"after_replay,omitempty"`
	AtLeast bool `json:"at_least,omitempty"`
	// Kind is what it is; empty for a table. Refused is why the server cannot create it.
	Kind    string `json:"kind,omitempty"`
	Refused string `json:"refused,omitempty"`
	// Unread means that opsdeck refuses it, and not the server.
	Unread bool `json:"unread,omitempty"`
}

// Text is the gap as a sentence.
func (g Gap) Text() lang.Msg {
	switch {
	case g.Refused != "":
		return g.refusal()
	case g.Kind != "":
		return lang.M("the %s %s is not in the backup and would be dropped", kindName(g.Kind), termsafe.Line(g.Table))
	case g.Rows < 0 && g.Was >= 0:
		return lang.M("%s is not in the backup; it has %s rows", g.Table, human.Count(g.Was))
	case g.Rows < 0:
		return lang.M("%s is not in the backup", g.Table)
	case g.AtLeast:
		return lang.M("%s has %s rows; how many remain after the replay is unknown: the log has statements instead of "+
			"rows; at least %s are certain", g.Table, human.Count(max(0, g.Was)), human.Count(g.Rows))
	case g.Rolled:
		return lang.M("%s has %s rows after the replay, and %s before", g.Table, human.Count(g.Rows),
			human.Count(max(0, g.Was)))
	case g.Was < 0:
		return lang.M("%s has %s rows in the backup", g.Table, human.Count(g.Rows))
	}
	return lang.M("%s has %s rows in the backup, and %s before", g.Table, human.Count(g.Rows), human.Count(g.Was))
}

// Held are the tables in the backup; known is false if that is unknown.
func (s Source) Held() (tables []SourceTable, known bool) {
	if s.Replay != nil && s.Manifest {
		return s.Replay.tables(s.Tables), true
	}
	if s.Manifest {
		return s.Tables, true
	}
	return s.Contents, s.Inspected
}

// held finds a table of the backup.
func (s Source) held(name string) (SourceTable, bool) {
	tables, _ := s.Held()
	i := slices.IndexFunc(tables, func(t SourceTable) bool { return t.Name == name })
	if i < 0 {
		return SourceTable{}, false
	}
	return tables[i], true
}

// gapFinder finds the tables that would be dropped or shrink.
type gapFinder struct{ *Plan }

// gaps are the tables that would be dropped or shrink, in the order of the assessment, then
// key tables that exist nowhere, then other objects that would be dropped.
func (p gapFinder) gaps(a *Assessment) []Gap {
	out := p.refusals(a)
	if _, known := p.Source.Held(); p.Mode == Into || !known {
		return out
	}
	seen := map[string]bool{}
	for _, g := range out {
		seen[g.Table] = true
	}
	for _, t := range p.scoped(a) {
		if seen[t.Name] {
			continue
		}
		seen[t.Name] = true
		if g, ok := p.gap(t); ok {
			out = append(out, g)
		}
	}
	for _, k := range p.Verify.KeyTables {
		if _, ok := p.Source.held(k); !ok && !seen[k] && len(p.Tables) == 0 {
			out = append(out, Gap{Table: k, Rows: -1, Was: p.before(k), Key: true})
		}
	}
	return append(out, p.objectGaps(a, out)...)
}

// gap compares a table with the backup's.
func (p gapFinder) gap(t TableState) (Gap, bool) {
	key := slices.Contains(p.Verify.KeyTables, t.Name)
	src, in := p.Source.held(t.Name)
	was := p.before(t.Name)
	if t.Exists {
		was = max(was, t.Rows)
	}
	g := Gap{Table: t.Name, Rows: src.Rows, Was: was, Key: key, Rolled: p.Source.Replay != nil}
	if g.AtLeast = in && g.Rolled && src.Rows < 0; g.AtLeast {
		g.Rows = p.Source.Replay.Least[t.Name]
	}
	switch {
	case !in:
		g.Rows = -1
		g.Rolled = false
		return g, t.Exists || key
	case src.Engine == "SEQUENCE" || !p.Source.counted(src):
		return g, false
	}
	return g, p.shrinks(g, t)
}

// Shrank judges a table by its row count after a replay, because the log does not always
// tell it in advance. ok is false if the table lost too few rows for a stop, or if the
// operator accepted it by name.
func (p *Plan) Shrank(table string, rows int64) (g Gap, ok bool) {
	if p.Mode == Into || p.Assessment == nil || slices.Contains(p.Accepted, table) {
		return g, false
	}
	g = Gap{
		Table: table, Rows: rows, Was: gapFinder{p}.before(table), Rolled: true,
		Key: slices.Contains(p.Verify.KeyTables, table),
	}
	i := slices.IndexFunc(p.Assessment.Tables, func(t TableState) bool { return t.Name == table && t.Exists })
	if i < 0 {
		return g, gapFinder{p}.shrinks(g, TableState{})
	}
	g.Was = max(g.Was, p.Assessment.Tables[i].Rows)
	return g, gapFinder{p}.shrinks(g, p.Assessment.Tables[i])
}

// shrinks reports whether a table loses so many rows that the restore stops.
func (p gapFinder) shrinks(g Gap, t TableState) bool {
	switch {
	case p.Source.NoData || p.Source.Where != "":
		return t.Exists && (g.Rows != 0 || g.Was != 0) // an empty table loses nothing
	case g.Key && g.Rows == 0:
		return g.Was != 0
	}
	return g.Was >= worthAStop && g.Rows*2 < g.Was
}

// counted reports whether the row count of a table in the backup is known.
func (s Source) counted(t SourceTable) bool {
	if s.Replay != nil && t.Rows < 0 { // the backup's own count tells whether it is ever known
		own, in := s.Table(t.Name)
		return !in || own.Checksum != "" || own.Rows > 0
	}
	return !s.Manifest || s.Replay != nil || t.Checksum != "" || t.Rows > 0 || s.NoData
}

// before is a table's row count in earlier backups; -1 if unknown.
func (p gapFinder) before(table string) int64 {
	for _, t := range p.Source.Shrunk {
		if t.Name == table {
			return t.Rows
		}
	}
	return -1
}

// judgeGaps stops the restore if tables would be dropped or shrink, unless each of them
// was accepted by name.
func (p gapFinder) judgeGaps(a *Assessment) {
	src := p.Source
	if _, known := src.Held(); !known && p.Mode != Into {
		p.block(lang.M("cannot determine which tables the dump contains: %s", src.Untold.Msg), src.untoldHint())
		return
	}
	p.Gaps = p.gaps(a)
	if p.Mode != Into {
		p.judgePart()
	}
	var open, taken []string
	for _, g := range p.Gaps {
		if slices.Contains(p.Accepted, g.Table) {
			taken = append(taken, g.Table)
			p.add(ops.StateWarning, g.Text(), lang.M("accepted"))
			continue
		}
		open = append(open, g.Table)
	}
	for _, g := range p.Gaps {
		if slices.Contains(taken, g.Table) {
			continue
		}
		all := shellTables(p.Target.Live, append(slices.Clone(taken), open...))
		hint := lang.M(
			"choose another backup: --from; exclude the table: --tables; lose it anyway: --accept-missing %s",
			all,
		)
		if g.Refused != "" {
			hint = lang.M("install on the server what it needs; or restore without it: --accept-missing %s", all)
		}
		if g.Refused == "" && g.Kind != "" {
			hint = p.Source.fullerHint(all)
		}
		if g.Unread {
			hint = lang.M("restore without it, then create it from the file with the mysql client: "+
				"--accept-missing %s", all)
		}
		live := slices.ContainsFunc(a.Tables, func(t TableState) bool { return t.Name == g.Table && t.Exists })
		if g.Key && g.Rows < 0 && g.Was < 0 && !live {
			hint = lang.M("restore.key_tables names it, and neither the database nor a backup has it: correct the "+
				"configuration; or restore without it: --accept-missing %s", all)
		}
		p.block(g.Text(), hint)
	}
}

// untoldHint is the advice for a dump that was not inspected. If it cannot be read
// completely, it cannot be loaded into a scratch database either.
func (s Source) untoldHint() lang.Msg {
	if s.Copy == "" {
		return lang.M("choose another backup")
	}
	return s.tryHint()
}

// tryHint is the advice to load a backup into a scratch database.
func (s Source) tryHint() lang.Msg {
	name := s.Name
	if s.Apart {
		name = s.Path
	}
	return lang.M("load it into another database first: opsdeck restore --from %s --to SCHEMA", human.Shell(name))
}

// judgePart reports that the backup has only some rows or none; it stops the restore if a
// table would lose rows that way.
func (p gapFinder) judgePart() {
	src := p.Source
	what := lang.M("the backup contains only definitions, no rows")
	switch {
	case src.NoData:
	case src.Where != "":
		what = lang.M("the backup contains only the rows of %s where %s", tableNames(src), src.Where)
	default:
		return
	}
	if len(p.OpenGaps()) == 0 {
		p.add(ops.StateCritical, what, lang.Msg{})
		return
	}
	var names []string
	for _, g := range p.Gaps {
		names = append(names, g.Table)
	}
	p.block(
		what,
		lang.M(
			"choose another backup: --from; lose the other rows anyway: --accept-missing %s",
			shellTables(p.Target.Live, names),
		),
	)
}

// OpenGaps are the tables that would be dropped or shrink and were not accepted.
func (p *Plan) OpenGaps() (out []Gap) {
	for _, g := range p.Gaps {
		if !slices.Contains(p.Accepted, g.Table) {
			out = append(out, g)
		}
	}
	return out
}

func (s Source) contentKnown() bool {
	_, known := s.Held()
	return known
}

// Bare reports that the backup is known to contain no tables: a database with only views,
// routines or events, or an empty one.
func (p *Plan) Bare() bool {
	return len(p.Tables) == 0 && len(p.Coming) == 0 && p.Source.contentKnown()
}

// gapsDecided are the gaps without the numbers, which may change while people read.
func (p *Plan) gapsDecided() (out []Gap) {
	for _, g := range p.Gaps {
		out = append(out, Gap{Table: g.Table})
	}
	return out
}

// shellTables are names for a flag as a person types them: one that would be read as a name with
// its database, or as a quoted one, is quoted.
func shellTables(own string, names []string) string {
	out := slices.Clone(names)
	for i, n := range names {
		in, _, dotted := strings.Cut(n, ".")
		if strings.HasPrefix(n, "`") || dotted && strings.EqualFold(in, own) {
			out[i] = Name(n)
		}
	}
	return human.ShellList(out)
}
