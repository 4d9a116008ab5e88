package audit

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/spelling"
	"opsdeck/internal/when"
	"opsdeck/ops"
)

// Syntax is what the query language needs to know of its surroundings.
type Syntax struct {
	Layout *Layout
	Now    time.Time
	Zone   *time.Location // of times written without one
}

// QueryError says what is wrong with a query and where: bytes [Pos, End).
type QueryError struct {
	Pos, End int
	Msg      lang.Msg
}

// Error is the English sentence.
func (e *QueryError) Error() string { return e.Msg.String() }

// Explain makes an error for people of it, which points at the place.
func (e *QueryError) Explain(query string) error {
	return ops.E(ops.Usage,
		lang.M("cannot parse the query at character %d, %q", len([]rune(query[:e.Pos]))+1, query[e.Pos:e.End])).
		WithHint(e.Msg)
}

// Keys of the query language and the fields they ask for. since, until, on,
// text and changed are special.
var queryKeys = map[string]Field{
	"user": UserID, "name": UserName, "action": Action, "type": ResourceType, "resource": ResourceType,
	"ip": IP, "agent": UserAgent, "path": Path, "method": Method, "key": Key, "id": ID,
}

// QueryKeys are the keys that make sense for a table, sorted.
func (l *Layout) QueryKeys() []string {
	var out []string
	for k, f := range queryKeys {
		if l.Has(f) || k == "user" && l.Has(UserName) {
			out = append(out, k)
		}
	}
	out = append(out, "since", "until", "on", "text")
	if l.Has(Changes) || l.Has(NewValue) {
		out = append(out, "changed")
	}
	sort.Strings(out)
	return out
}

// Parse reads a query line: terms `key:value`, all of which must hold, -term
// for its opposite, `a,b` for either, * for anything, "…" for text with
// spaces or marks, and bare words, which any text of the row must contain.
// Errors are *QueryError.
func (s Syntax) Parse(query string) (Filter, error) {
	var f Filter
	for _, tok := range lex(query) {
		if tok.err != nil {
			return Filter{}, tok.err
		}
		if err := s.term(&f, tok); err != nil {
			return Filter{}, err
		}
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return Filter{}, &QueryError{
			Pos: 0,
			End: len(query),
			Msg: lang.M("the time range is empty: it ends before it starts"),
		}
	}
	return f, nil
}

// Understood tells what no table could make of a query: nil, or a *QueryError. What
// depends on the columns of the table is found when it is opened.
func Understood(query string, aliases Aliases, now time.Time) error {
	l := &Layout{Aliases: aliases}
	for i := range l.Columns {
		l.Columns[i] = &Column{}
	}
	_, err := Syntax{Layout: l, Now: now, Zone: now.Location()}.Parse(query)
	return err
}

func (s Syntax) term(f *Filter, tok token) error {
	if tok.key == "" {
		f.Terms = append(f.Terms, Term{Op: Contains, Any: []Match{Exactly(tok.plain())}, Not: tok.not})
		return nil
	}
	if tok.plain() == "" {
		return tok.fail(lang.M("%s needs a value", tok.key+tok.op))
	}
	switch key := strings.ToLower(tok.key); key {
	case "since", "until", "on":
		return s.time(f, tok, key)
	case "text":
		f.Terms = append(f.Terms, Term{Op: Contains, Any: []Match{Exactly(tok.plain())}, Not: tok.not})
		return nil
	case "changed":
		if !s.Layout.Has(Changes) && !s.Layout.Has(NewValue) {
			return tok.fail(lang.M("the table %s does not record changes", s.Layout.Table))
		}
		f.Terms = append(f.Terms, Term{Op: Changed, Any: tok.matches(), Not: tok.not})
		return nil
	default:
		field, ok := queryKeys[key]
		if !ok && s.isResource(tok) {
			return s.resource(f, tok)
		}
		if !ok {
			return tok.fail(unknownKey(key, s.Layout.QueryKeys()))
		}
		return s.field(f, tok, key, field)
	}
}

// isResource tells whether a term is a resource as lists print it, ORDER:1001: no
// key has capitals, and aliases are known from the configuration.
func (s Syntax) isResource(tok token) bool {
	return tok.op == ":" && s.Layout.Has(ResourceType) && s.Layout.Has(ResourceID) &&
		(strings.ToLower(tok.key) != tok.key || s.Layout.Aliases.Has(tok.key))
}

// resource is a term for the one resource TYPE:ID.
func (s Syntax) resource(f *Filter, tok token) error {
	t := Term{Op: Resource, Field: ResourceType, Not: tok.not}
	for _, id := range tok.matches() {
		t.Any = append(t.Any, Match{Parts: []string{tok.key}, Sub: &id})
	}
	f.Terms = append(f.Terms, t)
	return nil
}

func (s Syntax) field(f *Filter, tok token, key string, field Field) error {
	t := Term{Op: Is, Field: field, Any: tok.matches(), Not: tok.not}
	if key == "resource" {
		t.Op = Resource
		for i, m := range t.Any {
			t.Any[i] = splitResource(m)
			if t.Any[i].Sub != nil && !s.Layout.Has(ResourceID) {
				return tok.fail(lang.M("the table %s has no column for %s", s.Layout.Table, ResourceID.String()))
			}
		}
	}
	if key == "user" {
		field = s.userField(t.Any)
		t.Field = field
	}
	if !s.Layout.Has(field) {
		return tok.fail(lang.M("the table %s has no column for %s", s.Layout.Table, field.String()))
	}
	if s.Layout.Column(field).Binary {
		if err := plainHex(t.Any, tok, key); err != nil {
			return err
		}
	}
	if s.Layout.Column(field).Integer {
		for _, m := range t.Any {
			if _, err := strconv.ParseInt(m.Text(), 10, 64); err != nil && !m.Null {
				return tok.fail(lang.M("%s needs a number, not %q", key+":", m.Text()))
			}
		}
	}
	f.Terms = append(f.Terms, t)
	return nil
}

// plainHex takes the dashes and capitals of UUIDs away, where a column holds bytes.
func plainHex(any []Match, tok token, key string) error {
	for _, m := range any {
		for i, part := range m.Parts {
			part = strings.ToLower(strings.ReplaceAll(part, "-", ""))
			if strings.Trim(part, "0123456789abcdef") != "" {
				return tok.fail(lang.M("%s needs hexadecimal digits or a UUID, not %q", key+":", m.Text()))
			}
			m.Parts[i] = part
		}
	}
	return nil
}

// userField is the column that a user is looked for in: names where the id is
// a number and what was asked is none.
func (s Syntax) userField(any []Match) Field {
	if !s.Layout.Has(UserID) {
		return UserName
	}
	if !s.Layout.Column(UserID).Integer || !s.Layout.Has(UserName) {
		return UserID
	}
	for _, m := range any {
		if _, err := strconv.ParseInt(m.Text(), 10, 64); err != nil && !m.Null {
			return UserName
		}
	}
	return UserID
}

// splitResource parts TYPE:ID at its first colon.
func splitResource(m Match) Match {
	for i, p := range m.Parts {
		at := strings.IndexByte(p, ':')
		if at < 0 {
			continue
		}
		typ := append(append([]string{}, m.Parts[:i]...), p[:at])
		id := append([]string{p[at+1:]}, m.Parts[i+1:]...)
		return Match{Parts: typ, Sub: &Match{Parts: id}}
	}
	return m
}

func (s Syntax) time(f *Filter, tok token, key string) error {
	if tok.not {
		return tok.fail(lang.M("%s cannot be negated", key+":"))
	}
	if (key != "until" && !f.Since.IsZero()) || (key != "since" && !f.Until.IsZero()) {
		return tok.fail(lang.M("the time range is given twice"))
	}
	w, msg := when.Parse(tok.plain(), s.Now, s.Zone)
	if !msg.Empty() {
		return tok.fail(msg)
	}
	if key != "until" {
		f.Since = w.From
	}
	if key == "until" {
		f.Until = w.Till
	}
	if key == "on" {
		if !w.From.Before(w.Till) {
			return tok.fail(lang.M("on: needs a day, a month or a year"))
		}
		f.Until = w.Till
	}
	return nil
}

func unknownKey(key string, known []string) lang.Msg {
	if best := spelling.Nearest(key, known); best != "" {
		return lang.M("%s is not a key; did you mean %s? (text with a colon goes in quotes)", key+":", best+":")
	}
	return lang.M("%s is not a key; keys are %s (text with a colon goes in quotes)", key+":", strings.Join(known, " "))
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// QueryField is the field whose values a key of the query language asks for;
// ok is false for keys that ask for none.
func QueryField(key string) (Field, bool) {
	f, ok := queryKeys[key]
	return f, ok && f != ID
}
