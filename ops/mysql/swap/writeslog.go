package swap

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// mostEvents limits how many binlog events are read to find the databases that they
// affect.
const mostEvents = 20_000

// logPlace is a binlog position and InnoDB's reading at that time.
type logPlace struct{ file, position, stats string }

func readPlace(at string) logPlace {
	at, stats, _ := strings.Cut(at, " ")
	i := strings.LastIndexByte(at, ':')
	return logPlace{at[:max(0, i)], at[i+1:], stats}
}

func (l logPlace) String() string { return l.file + ":" + l.position }

// between separates the live database's writes from those of others, by the binlog events
// between two positions.
// shadow is the database that the run loads into: nobody else's statements run in it.
func (m *Writes) between(
	ctx context.Context, c *sql.Conn, live, shadow string, from, to logPlace,
) (run.Writes, error) {
	w := run.Writes{At: run.WriteMark(to.String())}
	told, why := m.readLog(ctx, c, live, shadow, from, to)
	if err := ctx.Err(); err != nil {
		return w, err
	}
	switch {
	case told.live:
		w.Live = true
		w.Notes = []restore.Note{
			restore.N(
				lang.M(
					"something still writes to %s: the binlog advanced from %s to %s",
					live,
					from.String(),
					to.String(),
				),
			),
		}
		if told.change != "" {
			w.Notes = append(w.Notes, restore.N(lang.M("the change: %s; who made it: %s", told.change,
				"opsdeck audit changes --limit 5")))
		}
		return w, nil
	case grew(from.stats, to.stats): // includes what is not logged
		stirred(&w, live, from.stats, to.stats)
		return w, nil
	case why.Empty() && told.text && to.stats == "":
		why = lang.M(
			"it contains statements that may have written to %s through a view or trigger, and InnoDB counters "+
				"are not available",
			live,
		)
	}
	if !why.Empty() {
		w.Untold = true
		w.Notes = []restore.Note{
			restore.N(
				lang.M(
					"the server's binlog advanced from %s to %s; cannot tell whether %s was written to: %s",
					from.String(),
					to.String(),
					live,
					why,
				),
			),
		}
		return w, nil
	}
	if w.Elsewhere = len(told.others) > 0; w.Elsewhere {
		w.Notes = []restore.Note{
			restore.N(
				lang.M("other databases are written to (%s), %s is not", termsafe.Line(strings.Join(told.others, ", ")),
					live),
			),
		}
	}
	return w, nil
}

// logContent is the set of databases that a part of the binlog affects.
type logContent struct {
	live   bool
	change string // the table that was changed, or the statement; "" unless live
	others []string
	text   bool // some of it is statements, which do not name everything that they change
}

// readLog reads a part of the binlog; why tells why it cannot be read.
func (m *Writes) readLog(
	ctx context.Context, c *sql.Conn, live, shadow string, from, to logPlace,
) (out logContent, why lang.Msg) {
	for at := from; at.String() != to.String(); {
		rows, err := schema.All(
			ctx,
			c,
			fmt.Sprintf("SHOW BINLOG EVENTS IN %s FROM %s LIMIT %d", schema.String(at.file), at.position, mostEvents),
		)
		if err != nil {
			return out, whyUnread(err)
		}
		next := at
		for _, r := range rows { // Log_name, Pos, Event_type, Server_id, End_log_pos, Info
			e := logEvent{kind: r[2], info: r[5]}
			if why := out.take(e, live, shadow); !why.Empty() || out.live {
				return out, why
			}
			if next = e.behind(next, r[4]); next.String() == to.String() {
				return out, lang.Msg{}
			}
		}
		if len(rows) < mostEvents && next.file == at.file { // the server stopped here, and began another file
			next = logPlace{file: nextLog(ctx, c, at.file), position: "4"}
		}
		switch {
		case len(rows) == mostEvents:
			return out, lang.M("too much was written meanwhile to read it all")
		case next == at || next.file == "":
			return out, lang.M("it cannot be read from one position to the other")
		}
		at = next
	}
	return out, lang.Msg{}
}

// nextLog is the log file after one; "" for the last.
func nextLog(ctx context.Context, c *sql.Conn, file string) string {
	rows, err := schema.All(ctx, c, "SHOW BINARY LOGS")
	if err != nil {
		return ""
	}
	for i, r := range rows {
		if r[0] == file && i+1 < len(rows) {
			return rows[i+1][0]
		}
	}
	return ""
}

// take records the databases that an event affects.
func (t *logContent) take(e logEvent, live, shadow string) lang.Msg {
	about, text := e.about(live)
	switch {
	case about == live:
		t.live, t.change = true, e.change()
	case about == unknown:
		return lang.M("it contains an event of type %s", termsafe.Line(e.kind))
	case about != "" && !slices.Contains(t.others, about):
		t.others = append(t.others, about)
	}
	t.text = t.text || text && (shadow == "" || about != shadow)
	return lang.Msg{}
}

// whyUnread tells why binlog events cannot be read.
func whyUnread(err error) lang.Msg {
	if mysql.Number(err) == mysql.ErrSpecificAccess {
		return lang.M(
			"the privilege REPLICATION SLAVE (MariaDB: BINLOG MONITOR), needed to read the binlog, is missing",
		)
	}
	return lang.Raw(termsafe.Line(err.Error()))
}

// logEvent is an event as SHOW BINLOG EVENTS shows it.
type logEvent struct{ kind, info string }

// change says what the event changes: a table, or a statement.
func (e logEvent) change() string {
	if _, name, ok := strings.Cut(e.info, "("); ok && strings.HasPrefix(e.kind, "Table_map") {
		return termsafe.Line(strings.TrimSuffix(name, ")"))
	}
	return cells.Cut(termsafe.Line(e.info), mostChange)
}

// mostChange is how many cells of a statement are quoted.
const mostChange = 80

// unknown represents a database that an event does not name.
const unknown = "\x00"

// behind is the position after an event that ends there.
func (e logEvent) behind(at logPlace, end string) logPlace {
	at.position = end
	if e.kind == "Rotate" {
		at.file, _, _ = strings.Cut(e.info, ";")
		at.position = "4"
	}
	return at
}

// about is the database that an event writes to: empty if it writes nothing, unknown if
// that cannot be determined. text tells that it is a statement, which may write to other
// databases through a view or a trigger. A statement that names the live database counts
// as a write to it, wherever it ran.
func (e logEvent) about(live string) (name string, text bool) {
	switch kind := strings.TrimSuffix(e.kind, "_compressed"); kind {
	case "Table_map": // table_id: 18 (db.table)
		_, name, ok := strings.Cut(e.info, "(")
		if !ok {
			return unknown, false
		}
		if strings.HasPrefix(name, live+".") {
			return live, false
		}
		name, _, _ = strings.Cut(name, ".")
		return name, false
	case "Query", "Execute_load_query":
		return statementAbout(e.info, live)
	case "Incident", "":
		return unknown, false
	}
	return "", false // rows belong to the preceding Table_map; other events write nothing
}

func statementAbout(info, live string) (name string, text bool) {
	in, q := "?", info
	if rest, ok := strings.CutPrefix(info, "use `"); ok {
		if end := strings.Index(rest, "`; "); end >= 0 {
			in, q = rest[:end], rest[end+3:]
		}
	}
	q = mariadbSettings.ReplaceAllString(q, "")
	_, rest := sqlscan.Prefixed([]byte(q), sqlscan.Mode{})
	q = string(rest)
	word, _, _ := strings.Cut(strings.TrimSpace(q), " ")
	switch strings.ToUpper(strings.TrimRight(word, ";")) {
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "XA", "FLUSH", "ANALYZE":
		return "", false
	case "CREATE", "DROP", "ALTER", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "SET":
		if in == live || concerns(q, in, live) {
			return live, false
		}
		return in, false
	}
	if in == live || concerns(q, in, live) {
		return live, false
	}
	return in, !bookkeeping(q)
}

// bookkeeping reports whether a statement writes to one of our own tables, which have no
// triggers.
func bookkeeping(q string) bool {
	p, err := sqlscan.Parse([]byte(q), sqlscan.Mode{})
	return err == nil && schema.Bookkeeping(p.Own().Name)
}

// mariadbSettings are the session settings that MariaDB shows before a statement.
var mariadbSettings = regexp.MustCompile(`^set [a-z_@]+=\d+(, [a-z_@]+=\d+)*; `)

// withText are the kinds of objects whose definition contains statements, which may name
// databases and are not run yet.
var withText = []string{"VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE", "PACKAGE BODY"}

// concerns reports whether a statement that ran in another database may write to the live
// one, views and triggers aside.
func concerns(q, in, live string) bool {
	p, err := sqlscan.Parse([]byte(q), sqlscan.Mode{})
	switch {
	case !names(q, live):
		return false
	case in == "?" || err != nil || p.Own().Name == "":
		return true
	case p.Verb == "CREATE" && slices.Contains(withText, p.Kind), p.Verb == "INSERT", p.Verb == "REPLACE":
		return strings.EqualFold(p.Own().Schema, live)
	case p.Kind == "DATABASE" || p.Kind == "SCHEMA":
		return true
	}
	return qualifies(p, q, live)
}

// qualifies reports whether a statement has a name as a database's: before a dot, and not in a
// text or comment. The log does not tell whether "x" is a name there.
func qualifies(p *sqlscan.Parsed, q, name string) bool {
	for i := range p.Tokens {
		if word, ok := p.Name(i); ok && strings.EqualFold(word, name) && p.Is(i+1, ".") {
			return true
		}
	}
	q = strings.ToLower(strings.ReplaceAll(q, " ", ""))
	return strings.Contains(q, `"`+strings.ToLower(name)+`".`)
}

// names reports whether a text contains a name as a word.
func names(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(name)
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		begin := at + i
		end := at + i + len(name)
		if (begin == 0 || !wordy(text[begin-1])) && (end == len(text) || !wordy(text[end])) {
			return true
		}
		at = begin + 1
	}
}

func wordy(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}
