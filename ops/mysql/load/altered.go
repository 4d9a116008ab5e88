package load

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// alteration is a server warning about values that it stored differently from how they
// were given.
type alteration struct {
	line  int   // line of the statement in the dump
	count int64 // number of its warnings
	text  string
}

// altered sums up the alterations of a table.
type altered struct {
	count int64
	first int // line
	texts []string
}

// alteredTexts limits how many different warnings the report lists per table.
const alteredTexts = 3

// alterations reads the warnings of the last statement. It leaves notes out: they are
// about objects that already existed.
func (w *worker) alterations(ctx context.Context, line int) ([]alteration, error) {
	count, err := warningCount(ctx, w.conn)
	if err != nil || count == "0" {
		return nil, err
	}
	list, err := schema.All(ctx, w.conn, "SHOW WARNINGS")
	if err != nil {
		return nil, err
	}
	var out []alteration
	for _, r := range list {
		if r[0] != "Note" && r[1] != deprecated {
			out = append(out, alteration{line: line, count: 1, text: r[2]})
		}
	}
	var all int64
	if fmt.Sscan(count, &all); all > int64(len(list)) && len(out) > 0 {
		out[len(out)-1].count += all - int64(len(list)) // the server keeps only some of them
	}
	return out, nil
}

// deprecated is the warning about a statement's form: MySQL's about VALUES(a) in ON
// DUPLICATE KEY UPDATE. It is about no value.
const deprecated = "1287"

// warningCount returns the number of warnings of the last statement. MySQL clears the
// warnings at SELECT @@warning_count, but not at SHOW COUNT(*) WARNINGS.
func warningCount(ctx context.Context, c *sql.Conn) (string, error) {
	count, err := schema.One(ctx, c, "SHOW COUNT(*) WARNINGS")
	if err != nil && mysql.Number(err) != 0 { // the server does not count warnings
		return "0", nil
	}
	return count, err
}

// noteAltered records the alterations of a loaded batch.
func (s *session) noteAltered(table string, seen []alteration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range seen {
		t := s.altered[table]
		if t == nil {
			t = &altered{first: a.line}
			if s.altered == nil {
				s.altered = map[string]*altered{}
			}
			s.altered[table] = t
		}
		t.count += a.count
		t.first = min(t.first, a.line)
		if len(t.texts) < alteredTexts && !slices.Contains(t.texts, a.text) {
			t.texts = append(t.texts, a.text)
		}
	}
}

// tellAltered adds the alterations to the report.
func (s *session) tellAltered() {
	s.mu.Lock()
	found := s.altered
	s.mu.Unlock()
	for table, t := range found {
		s.note(
			backup.NoteWarning,
			table,
			fmt.Sprintf(
				"%d warnings: the server changed values or left rows out, first at line %d (%s)",
				t.count,
				t.first,
				strings.Join(t.texts, "; "),
			),
		)
	}
}
