package load

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/sqlscan"
)

// Judged is a definition rewritten to run in another schema.
type Judged struct {
	SQL     []byte // the rewritten statement
	Parsed  *sqlscan.Parsed
	Enabled string // the event that the statement creates disabled and that was enabled
	Skip    bool   // do not run it
	Outside bool   // code in it names another schema, which it may change when it runs
}

// Judge decides about one definition from the schema from that is to run in the schema
// to. It returns the rewritten statement, or the reason for a refusal. It applies the
// same rules as a load does to the statements of a dump, except that a trigger may name
// other schemas: the caller must not fire it.
func Judge(sql []byte, mode sqlscan.Mode, from, to string, maria bool) (j Judged, refusal lang.Msg) {
	g := &guard{schema: to, from: from, maria: maria, unfired: true}
	g.definers = map[string][]string{}
	g.tables = map[string]facts{}
	g.settings.vars, g.settings.mode = map[string]string{}, mode
	g.note = func(kind, object, detail string) {
		if kind == backup.NoteEvent {
			j.Enabled = object
		}
		j.Outside = j.Outside || kind == backup.NoteOutside
	}
	p, err := sqlscan.Parse(sql, mode)
	if err != nil {
		return j, lang.M("opsdeck cannot parse the statement: %s", firstWords(string(sql)))
	}
	v := verdict{action: run, sql: sql, parsed: p}
	if refusal = g.decide(&v); !refusal.Empty() {
		return j, refusal
	}
	j.SQL = v.sql
	j.Parsed = p
	j.Skip = v.action == skip
	return j, lang.Msg{}
}
