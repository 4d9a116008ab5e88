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

// alteration is what the server says of values that it did not take as they are.
type alteration struct {
	line  int   // of the statement in the dump
	count int64 // of its warnings
	text  string
}

// altered sums up the alterations of a table.
type altered struct {
	count int64
	first int // line
	texts []string
}

// alteredTexts is how many different warnings of a table are told.
const alteredTexts = 3

// alterations asks for the warnings of the last statement. Notes are none: they are
// about things that were there already.
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
		if r[0] != "Note" {
			out = append(out, alteration{line: line, count: 1, text: r[2]})
		}
	}
	var all int64
	if fmt.Sscan(count, &all); all > int64(len(list)) && len(out) > 0 {
		out[len(out)-1].count += all - int64(len(list)) // more than the server keeps
	}
	return out, nil
}

// warningCount is how many warnings the last statement gave. MySQL forgets them at a
// SELECT of @@warning_count, but not at this.
func warningCount(ctx context.Context, c *sql.Conn) (string, error) {
	count, err := schema.One(ctx, c, "SHOW COUNT(*) WARNINGS")
	if err != nil && mysql.Number(err) != 0 { // a server that keeps no count
		return "0", nil
	}
	return count, err
}

// noteAltered takes in the alterations of a batch that is in.
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

// tellAltered puts what was altered into the report.
func (s *session) tellAltered() {
	s.mu.Lock()
	found := s.altered
	s.mu.Unlock()
	for table, t := range found {
		s.note(
			backup.NoteWarning,
			table,
			fmt.Sprintf(
				"%d warnings: the server changed values, first at line %d (%s)",
				t.count,
				t.first,
				strings.Join(t.texts, "; "),
			),
		)
	}
}
