package restore

import (
	"slices"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// Uncreatable is an object of the backup that the server refuses to create.
type Uncreatable struct {
	Kind string `json:"kind"` // "table", "sequence", "view", "trigger" …
	Name string `json:"name"`
	Why  string `json:"why"` // in the server's words
	// Unread means that opsdeck does not understand or allow it; the server was not asked.
	Unread bool `json:"unread,omitempty"`
}

// Substituted is a table that the server creates with another engine.
type Substituted struct {
	Table string `json:"table"`
	Asked string `json:"asked"`
	Used  string `json:"used"`
}

// accepted are the uncreatable objects that the operator agreed to leave out.
func accepted(list []Uncreatable, p *Plan) (out []string) {
	for _, u := range list {
		if slices.Contains(p.Accepted, u.Name) {
			out = append(out, u.Kind+" "+u.Name)
		}
	}
	return out
}

// LeavesOut reports whether the restore leaves an object of the backup out.
func (p *Plan) LeavesOut(kind, name string) bool { return slices.Contains(p.Without, kind+" "+name) }

func (p *Plan) leavesOutTable(name string) bool {
	return p.LeavesOut("table", name) || p.LeavesOut("sequence", name)
}

// Substitutes reports whether the server creates a table with another engine.
func (a *Assessment) Substitutes(table string) bool {
	return a != nil && slices.ContainsFunc(a.Substituted, func(s Substituted) bool { return s.Table == table })
}

// refusals are the objects that the server cannot create.
func (p gapFinder) refusals(a *Assessment) (out []Gap) {
	for _, u := range a.Uncreatable {
		g := Gap{Table: u.Name, Rows: -1, Was: -1, Refused: u.Why, Kind: u.Kind, Unread: u.Unread}
		if u.Kind == "table" {
			g.Key = slices.Contains(p.Verify.KeyTables, u.Name)
			g.Was = p.rowsNow(a, u.Name)
		}
		out = append(out, g)
	}
	return out
}

// rowsNow is the number of rows of a live table that the restore would replace; -1 for none.
func (p gapFinder) rowsNow(a *Assessment, table string) int64 {
	for _, t := range p.scoped(a) {
		if t.Name == table && t.Exists && p.Mode != Into {
			return t.Rows
		}
	}
	return -1
}

// refusal is the sentence of a gap whose object the server cannot create.
func (g Gap) refusal() lang.Msg {
	what := lang.M("the server cannot create the %s %s: %s", kindName(g.Kind), termsafe.Line(g.Table),
		termsafe.Line(g.Refused))
	if g.Unread {
		what = lang.M("opsdeck cannot load the %s %s: %s", kindName(g.Kind), termsafe.Line(g.Table),
			termsafe.Line(g.Refused))
	}
	if g.Was < 0 {
		return what
	}
	return lang.M("%s; the table has %s rows now, which would be lost", what, human.Count(g.Was))
}

// kindName is a kind of object in the singular.
func kindName(kind string) lang.Msg {
	switch kind {
	case "table":
		return lang.M("table")
	case "view":
		return lang.M("view")
	case "procedure":
		return lang.M("procedure")
	case "function":
		return lang.M("function")
	case "trigger":
		return lang.M("trigger")
	case "event":
		return lang.M("event")
	case "sequence":
		return lang.M("sequence")
	case "library":
		return lang.M("library")
	case "package":
		return lang.M("package")
	case "package body":
		return lang.M("package body")
	}
	return lang.Raw(kind)
}

// judgeEvents tells which events stay disabled, though they are enabled in the backup.
func (p judge) judgeEvents(a *Assessment) {
	for _, e := range a.EventsOff {
		p.add(ops.StateWarning,
			lang.M("the event %s is disabled now and stays disabled; in the backup it is enabled", e),
			lang.M("to enable it after the restore: ALTER EVENT %s ENABLE", e))
	}
}

// judgeSubstituted tells which tables get another engine.
func (p judge) judgeSubstituted(a *Assessment) {
	for _, s := range a.Substituted {
		p.add(
			ops.StateWarning,
			lang.M("the server has no engine %s: it creates the table %s with %s", s.Asked, s.Table, s.Used),
			lang.M("install the engine first to keep it"),
		)
	}
}
