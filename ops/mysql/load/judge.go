package load

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/sqlscan"
)

// Judged is a definition that may run in another schema than it was made for.
type Judged struct {
	SQL     []byte // as it is to run
	Parsed  *sqlscan.Parsed
	Enabled string // the event that it makes disabled, and that was enabled
	Skip    bool   // nothing is run
}

// Judge decides over one definition that ran in the schema from and shall run in the
// schema to: rewritten, or refused with the reason. It is the judgement of a load over
// a dump's statements.
func Judge(sql []byte, mode sqlscan.Mode, from, to string, maria bool) (j Judged, refusal lang.Msg) {
	g := &guard{schema: to, from: from, maria: maria, definers: map[string][]string{}, tables: map[string]facts{}}
	g.settings.vars, g.settings.mode = map[string]string{}, mode
	g.note = func(kind, object, detail string) {
		if kind == backup.NoteEvent {
			j.Enabled = object
		}
	}
	p, err := sqlscan.Parse(sql, mode)
	if err != nil {
		return j, lang.M("opsdeck cannot parse the statement: %s", firstWords(string(sql)))
	}
	v := verdict{action: run, sql: sql, parsed: p}
	if refusal = g.decide(&v); !refusal.Empty() {
		return j, refusal
	}
	j.SQL, j.Parsed, j.Skip = v.sql, p, v.action == skip
	return j, lang.Msg{}
}
