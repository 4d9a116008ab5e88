package load

import (
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/sqlscan"
)

// settings tracks the SET statements that change how the following statements are read.
type settings struct {
	mode sqlscan.Mode
	vars map[string]string // sql_mode and user variables that hold text
}

// copy is a copy that does not change with the original.
func (s settings) copy() settings { return settings{mode: s.mode, vars: maps.Clone(s.vars)} }

// known are the session variables that a dump may set; others are left out and noted.
// All of them affect only the loading session.
var known = strings.Fields(
	`names charset character_set character_set_client character_set_connection character_set_results
	collation_connection sql_mode time_zone foreign_key_checks unique_checks sql_notes sql_quote_show_create
	sql_safe_updates sql_auto_is_null default_storage_engine explicit_defaults_for_timestamp check_constraint_checks
	sql_warnings sql_select_limit sql_big_selects max_allowed_packet net_read_timeout net_write_timeout wait_timeout
	sql_generate_invisible_primary_key sql_require_primary_key system_versioning_insert_history
	system_versioning_alter_history
	lc_time_names lc_messages div_precision_increment group_concat_max_len default_table_encryption storage_engine
	default_collation_for_utf8mb4 innodb_strict_mode note_verbosity show_create_table_verbosity old_mode
	alter_algorithm`,
)

// functions are allowed in the value of a SET.
var functions = strings.Fields(
	"CONCAT CONCAT_WS IF IFNULL NULLIF COALESCE REPLACE UPPER LOWER TRIM LEFT RIGHT NOW CAST CONVERT",
)

// others are not variables: SET PASSWORD and the like change accounts.
var others = strings.Fields("password role default transaction resource")

// assignment is one part of a SET statement; its value is the tokens [first, last).
type assignment struct {
	scope       string // "", "@" for a user variable, SESSION, GLOBAL, PERSIST …
	name        string // lower case
	start       int    // index of its first token
	first, last int
}

// serverWide are server-wide settings that mysqldump and others write for speed or for a
// replica. They are left out, never run.
var serverWide = strings.Fields(
	`innodb_stats_auto_recalc innodb_stats_persistent innodb_file_format innodb_file_per_table innodb_large_prefix
	innodb_default_row_format max_allowed_packet net_buffer_length log_bin_trust_function_creators event_scheduler
	local_infile
	gtid_slave_pos`,
)

// set judges SET.
func (g *guard) set(v *verdict) lang.Msg {
	p := v.parsed
	v.action = settle
	list, ok := assignments(p)
	if !ok {
		return unknownStatement(p)
	}
	var keep []assignment
	var edits []sqlscan.Edit
	for i, a := range list {
		reason, leave := g.assign(p, a)
		switch {
		case !reason.Empty():
			return reason
		case !leave:
			keep = append(keep, a)
		case i > 0: // with the comma before it
			edits = append(edits, sqlscan.Edit{Start: p.Tokens[list[i-1].last-1].End, End: p.Tokens[a.last-1].End})
		case len(list) > 1: // with the comma after it
			edits = append(edits, sqlscan.Edit{Start: p.Tokens[a.start].Start, End: p.Tokens[list[1].start].Start})
		}
	}
	if len(keep) == 0 {
		v.action = skip
		return lang.Msg{}
	}
	if overlapping(edits) {
		return unknownStatement(p)
	}
	v.sql = sqlscan.Apply(p.SQL, edits)
	for _, a := range keep {
		if reason := g.settings.follow(p, a); !reason.Empty() {
			return reason
		}
	}
	return lang.Msg{}
}

// overlapping tells whether an edit begins before the previous one ends.
func overlapping(edits []sqlscan.Edit) bool {
	for i := 1; i < len(edits); i++ {
		if edits[i].Start < edits[i-1].End {
			return true
		}
	}
	return false
}

// assign judges one assignment; leave means that it is not run.
func (g *guard) assign(p *sqlscan.Parsed, a assignment) (refusal lang.Msg, leave bool) {
	for i := a.first; i < a.last; i++ {
		call := p.Is(i+1, "(") && p.Text.Kind(i) == sqlscan.Word && !slices.Contains(functions, p.Upper(i))
		quotedCall := p.Is(i+1, "(") && p.Text.Kind(i) == sqlscan.Ident
		if p.Is(i, "SELECT") || call || quotedCall || p.Is(i, "FOR") ||
			p.Is(i, ".") && !p.Any(i-1, "SESSION", "GLOBAL", "LOCAL") {
			return unknownStatement(p), false
		}
	}
	switch {
	case a.scope == "@":
		return lang.Msg{}, strings.Contains(a.name, "temp_log_bin") || strings.Contains(a.name, "rocksdb")
	case a.name == "gtid_purged" || a.name == "sql_log_bin" || a.scope == "GLOBAL" &&
		slices.Contains(serverWide, a.name):
		g.note(backup.NoteSkipped, a.name, firstWords(string(p.SQL)))
		return lang.Msg{}, true
	case a.scope != "" && a.scope != "SESSION" && a.scope != "LOCAL":
		return lang.M("it would change a setting of the whole server: %s", firstWords(string(p.SQL))), false
	case slices.Contains(others, a.name):
		return unknownStatement(p), false
	case a.name == "autocommit":
		return lang.Msg{}, true
	case slices.Contains(known, a.name):
		return lang.Msg{}, false
	}
	g.note(backup.NoteSkipped, a.name, firstWords(string(p.SQL)))
	return lang.Msg{}, true
}

// assignments splits a SET statement into its parts.
func assignments(p *sqlscan.Parsed) (list []assignment, ok bool) {
	for i := 1; i < p.Len(); {
		a, next, ok := oneAssignment(p, i)
		if !ok {
			return nil, false
		}
		list = append(list, a)
		i = next
	}
	return list, len(list) > 0
}

func oneAssignment(p *sqlscan.Parsed, i int) (a assignment, next int, ok bool) {
	end := p.PartEnd(i)
	a.start = i
	switch {
	case p.Is(i, "NAMES") || p.Is(i, "CHARSET"):
		return assignment{name: strings.ToLower(p.Upper(i)), start: i, first: i + 1, last: end}, end + 1, end > i+1
	case p.Follows(i, "CHARACTER", "SET"):
		return assignment{name: "character_set", start: i, first: i + 2, last: end}, end + 1, end > i+2
	case p.Text.Kind(i) == sqlscan.Variable && string(p.Bytes(i)) != "@@":
		a.scope, a.name = "@", strings.ToLower(strings.Trim(string(p.Bytes(i)), "@`'\""))
		i++
	default:
		at := p.Text.Kind(i) == sqlscan.Variable
		if at {
			i++
		}
		if p.Any(i, "SESSION", "LOCAL", "GLOBAL", "PERSIST", "PERSIST_ONLY") {
			a.scope = p.Upper(i)
			i++
			if at && p.Is(i, ".") {
				i++
			}
		}
		name, isName := p.Name(i)
		if !isName {
			return a, 0, false
		}
		a.name = strings.ToLower(name)
		i++
	}
	if p.Is(i, ":") {
		i++
	}
	if !p.Is(i, "=") || i+1 >= end {
		return a, 0, false
	}
	a.first, a.last = i+1, end
	return a, end + 1, true
}

// follow applies an assignment to the tracked settings.
func (s *settings) follow(p *sqlscan.Parsed, a assignment) lang.Msg {
	switch {
	case a.name == "names" || a.name == "charset" || a.name == "character_set" || a.name == "character_set_client":
		charset, ok := s.value(p, a)
		if !ok {
			charset, _ = p.Name(a.first)
		}
		wide, ok := sqlscan.WideOf(charset)
		if !ok {
			return lang.M("the charset %s cannot be used by clients", charset)
		}
		s.mode.Wide = wide
	case a.name == "sql_mode" && a.scope != "@":
		text, ok := s.value(p, a)
		if !ok {
			text = s.vars["sql_mode"] // an expression that keeps most of it; the server is asked when it runs
		}
		s.vars["sql_mode"] = text
		wide := s.mode.Wide
		s.mode = sqlscan.ModeOf(text)
		s.mode.Wide = wide
	case a.scope == "@":
		text, ok := s.value(p, a)
		if ok {
			s.vars["@"+a.name] = text
		} else {
			delete(s.vars, "@"+a.name)
		}
	}
	return lang.Msg{}
}

// value returns the text of a value that is a literal or a variable holding one.
func (s *settings) value(p *sqlscan.Parsed, a assignment) (string, bool) {
	if v, ok := p.Value(a.first); ok && (a.last == a.first+1 || p.Is(a.first+1, "COLLATE")) {
		return v, true
	}
	if p.Text.Kind(a.first) != sqlscan.Variable {
		return "", false
	}
	name := string(p.Bytes(a.first))
	if name == "@@" {
		last, _ := p.Name(a.last - 1)
		v, ok := s.vars[strings.ToLower(last)]
		return v, ok || strings.EqualFold(last, "sql_mode") || strings.EqualFold(last, "character_set_client")
	}
	v, ok := s.vars["@"+strings.ToLower(strings.Trim(name, "@`'\""))]
	return v, ok && a.last == a.first+1
}
