package binlog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/when"
)

// QueryError describes an error in a query and its position: bytes [Pos, End).
type QueryError struct {
	Pos, End int
	Msg      lang.Msg
}

// Error is the English sentence.
func (e *QueryError) Error() string { return e.Msg.String() }

// queryKeys are the keys that ParseQuery accepts.
var queryKeys = []string{"table", "key", "kind", "rows", "since", "until", "on"}

// ParseQuery parses a line of terms, all of which must match: table:NAME, key:A,B of that
// table's primary key, kind:insert (or update, delete, ddl), rows:N for more than N rows,
// since:, until: and on: with a time. Values with spaces, commas or quotes are
// double-quoted, with "" for a quote inside. A table without a database belongs to the
// given one.
func ParseQuery(text, schema string, now time.Time, zone *time.Location) (Query, *QueryError) {
	q := Query{}
	q.Schema = schema
	p := queryParser{q: &q, now: now, zone: zone}
	for _, t := range queryTerms(text) {
		if wrong := p.term(t); wrong != nil {
			return Query{}, wrong
		}
	}
	whole := &QueryError{End: len(text)}
	switch {
	case q.Key != nil && q.Table == "":
		whole.Msg = lang.M("key: needs table:, because a key belongs to one table")
		return Query{}, whole
	case !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until):
		whole.Msg = lang.M("the time range is empty: it ends before it starts")
		return Query{}, whole
	}
	if q.Table != "" && !strings.Contains(q.Table, ".") && schema != "" {
		q.Table = schema + "." + q.Table
	}
	return q, nil
}

// KeyTerm is a key in the form that ParseQuery accepts.
func KeyTerm(key []string) string {
	parts := make([]string, len(key))
	for i, k := range key {
		parts[i] = `"` + strings.ReplaceAll(k, `"`, `""`) + `"`
		if k != "" && !strings.ContainsAny(k, " ,\"\t") {
			parts[i] = k
		}
	}
	return "key:" + strings.Join(parts, ",")
}

// SplitKey splits a key that a person typed: values with commas between them. A value in
// double quotes may have commas, with "" for a quote inside.
func SplitKey(text string) (key []string) {
	value := ""
	quoted := false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			value += `"`
			i++
		case b == '"' && (quoted || value == ""):
			quoted = !quoted
		case b == ',' && !quoted:
			key = append(key, value)
			value = ""
		default:
			value += text[i : i+1]
		}
	}
	return append(key, value)
}

// JoinKey is the text of a key that SplitKey splits again.
func JoinKey(key []string) string {
	var all []string
	for _, value := range key {
		if value == "" || strings.ContainsAny(value, `",`) {
			value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
		}
		all = append(all, value)
	}
	return strings.Join(all, ",")
}

type queryTerm struct {
	pos, end int
	key      string
	values   []string
}

func (t queryTerm) wrong(m lang.Msg) *QueryError { return &QueryError{Pos: t.pos, End: t.end, Msg: m} }

// queryTerms splits a line into terms.
func queryTerms(text string) (out []queryTerm) {
	for at := 0; at < len(text); {
		if text[at] == ' ' || text[at] == '\t' {
			at++
			continue
		}
		t := queryTerm{pos: at}
		if n := strings.IndexAny(text[at:], ": \t"); n >= 0 && text[at+n] == ':' {
			t.key = strings.ToLower(text[at : at+n])
			at += n + 1
		}
		t.values, at = queryValues(text, at)
		t.end = at
		out = append(out, t)
	}
	return out
}

// queryValues parses comma-separated values up to a space.
func queryValues(text string, at int) (values []string, end int) {
	value, quoted := "", false
	for ; at < len(text); at++ {
		switch b := text[at]; {
		case b == '"' && quoted && at+1 < len(text) && text[at+1] == '"':
			value += `"`
			at++
		case b == '"':
			quoted = !quoted
		case quoted:
			value += text[at : at+1]
		case b == ' ' || b == '\t':
			return append(values, value), at
		case b == ',':
			values = append(values, value)
			value = ""
		default:
			value += text[at : at+1]
		}
	}
	return append(values, value), at
}

type queryParser struct {
	q    *Query
	now  time.Time
	zone *time.Location
}

func (p queryParser) term(t queryTerm) *QueryError {
	value := strings.Join(t.values, ",")
	if t.key != "" && value == "" {
		return t.wrong(lang.M("%s needs a value", t.key+":"))
	}
	switch t.key {
	case "table":
		p.q.Table = value
	case "key":
		p.q.Key = t.values
	case "kind":
		p.q.Kind = Verb(strings.ToLower(value))
		if !slices.Contains([]Verb{Insert, Update, Delete, DDL}, p.q.Kind) {
			return t.wrong(lang.M("kind: needs insert, update, delete or ddl"))
		}
	case "rows":
		n, err := strconv.ParseInt(strings.TrimPrefix(value, ">"), 10, 64)
		if err != nil || n < 0 {
			return t.wrong(lang.M("rows: needs a number; only transactions with more rows are listed"))
		}
		p.q.RowsOver = n
	case "since", "until", "on":
		return p.time(t, value)
	default:
		return t.wrong(lang.M("unknown; the keys are %s", strings.Join(queryKeys, ": ")+":"))
	}
	return nil
}

func (p queryParser) time(t queryTerm, value string) *QueryError {
	span, wrong := when.Parse(value, p.now, p.zone)
	if !wrong.Empty() {
		return t.wrong(wrong)
	}
	if t.key != "until" {
		p.q.Since = span.From
	}
	if t.key != "since" {
		p.q.Until = span.Till
	}
	return nil
}
