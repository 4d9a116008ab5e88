package binlog

import (
	"strings"

	domain "opsdeck/ops/binlog"
)

// longestText is the length of statement text that a summary keeps, in bytes.
const longestText = 4096

// searchedText is the length of text that is searched for secrets. It exceeds longestText,
// so a secret at the cut is recognized with what follows it.
const searchedText = 4 * longestText

// Summary builds one transaction summary per group of a walker.
type Summary struct {
	now  *domain.Transaction
	note []byte // the text of the first statement whose rows are logged, as it was
	// Done is called at the end of each group.
	Done func(*domain.Transaction) error
	// NoNotes leaves out the texts of statements whose rows are logged: searching them for
	// secrets takes longer than everything else.
	NoNotes bool
	// Wants tells of a transaction that is complete but for the text whether Done is to be
	// called; nil for all.
	Wants func(*domain.Transaction) bool
	spare *domain.Transaction // one that was not wanted
}

// Take is the callback for Walker.Feed.
func (s *Summary) Take(i *Item) error {
	switch i.What {
	case Begin:
		s.begin(i.Group)
	case Statement, Load:
		s.statement(i)
	case Change:
		n, err := i.Rows.Count()
		if err != nil {
			return err
		}
		s.now.Count(i.Rows.Map.Schema, i.Rows.Map.Name).Add(i.Rows.Verb, int64(n))
	case Note:
		if s.now.Query == "" && len(s.note) == 0 && !s.NoNotes {
			s.note = append(s.note, i.Text[:min(len(i.Text), searchedText)]...)
		}
	case End:
		return s.end(i.Group)
	}
	return nil
}

func (s *Summary) begin(g *Group) {
	s.note = s.note[:0]
	if s.now = s.spare; s.now == nil {
		s.now = &domain.Transaction{}
	}
	s.spare = nil
	*s.now = domain.Transaction{ID: g.ID(), GTID: g.GTID.ID, File: g.File, Pos: g.Pos, Tables: s.now.Tables[:0]}
}

func (s *Summary) statement(i *Item) {
	if i.Query == nil {
		return
	}
	if s.now.Thread == 0 {
		s.now.Thread = i.Query.Thread
	}
	said := domain.Statement{Schema: i.Query.Schema, SQL: shown(string(i.Query.SQL))}
	if domain.IsDefinition(said.SQL) {
		s.now.DDL = append(s.now.DDL, said)
	} else if !isSavepoint(said.SQL) {
		s.now.Other = append(s.now.Other, said)
	}
	if s.now.Query == "" && len(s.note) == 0 {
		s.now.Query = said.SQL
	}
}

func (s *Summary) end(g *Group) error {
	t := s.now
	t.End = g.End
	t.Time = g.Time
	t.Size = g.Size
	t.XA = g.XA
	t.RolledBack = g.RolledBack
	if t.Thread == 0 {
		t.Thread = g.Thread
	}
	t.Unfinished = g.Phase == XAPrepared
	t.Void = g.Void()
	s.now = nil
	if s.Wants != nil && !s.Wants(t) {
		s.spare = t
		return nil
	}
	if len(s.note) > 0 {
		t.Query = shown(string(s.note))
	}
	return s.Done(t)
}

// shown is the beginning of a text, with secrets masked. Texts of megabytes are cut before
// the search; a secret at the cut is masked up to it.
func shown(text string) string {
	if len(text) > searchedText {
		text = text[:searchedText]
	}
	text = domain.Hide(text)
	if len(text) <= longestText {
		return text
	}
	return text[:longestText] + "…"
}

// isSavepoint reports whether a statement handles savepoints only and changes no data.
func isSavepoint(sql string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(strings.ToUpper(sql)), " ")
	return word == "SAVEPOINT" || word == "ROLLBACK" || word == "RELEASE"
}
