package query

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/when"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// queryKeys are the words that the query box understands before a colon or a
// comparison, for completion and help.
var queryKeys = []string{
	"level:",
	"context:",
	"source:",
	"since:",
	"until:",
	"field.",
	"head:",
	"took>",
	"is:critical",
	"is:slow",
}

// splitKey splits "level:warn+" and "took>1000" into key, operator and value.
func splitKey(text string) (key, op, value string, ok bool) {
	i := strings.IndexAny(text, ":=<>~!")
	if i <= 0 {
		return "", "", "", false
	}
	key, op = text[:i], text[i:i+1]
	if i+1 < len(text) && text[i+1] == '=' && op != "=" && op != ":" && op != "~" {
		op += "="
	}
	return key, op, text[i+len(op):], op != "!"
}

// isKeyed tells whether a word, as far as it is typed, has a key of the language.
func isKeyed(text string) bool {
	key, op, _, ok := splitKey(strings.TrimPrefix(text, "!"))
	return ok && knownKey(key, op)
}

func knownKey(key, op string) bool {
	switch key {
	case "level", "context", "source", "since", "until", "is", "head":
		return op == ":"
	case "took":
		return op == ">" || op == ">=" || op == ":"
	}
	return strings.HasPrefix(key, "field.") && len(key) > len("field.") && op != ":"
}

// keyed takes a word such as level:warn+; false leaves it to be a plain word.
func (p *queryParser) keyed(w word) bool {
	text, not := strings.CutPrefix(w.text, "!")
	key, op, value, ok := splitKey(text)
	if !ok || !knownKey(key, op) {
		return false
	}
	value = strings.Trim(strings.ReplaceAll(value, `\ `, " "), `"`)
	if value == "" {
		if op != "=" {
			p.fail(w, lang.M("%s needs a value", lang.Raw(key+op)))
			return true
		}
	}
	if not && (key == "since" || key == "until" || key == "took" || key == "is") {
		p.fail(w, lang.M("! cannot be used before %s", lang.Raw(key+op)))
		return true
	}
	switch key {
	case "level":
		p.level(w, value, not)
	case "context":
		pat := ParsePattern(value)
		pat.Not = not
		p.q.Contexts = append(p.q.Contexts, pat)
	case "source":
		pat := ParsePattern(value)
		pat.Not = not
		p.q.Sources = append(p.q.Sources, pat)
	case "head":
		t := Term{Kind: TermExact, Not: not, Text: value, Fold: smartFold(value)}
		p.q.Heads = append(p.q.Heads, t)
	case "since", "until":
		p.time(w, key, value)
	case "took":
		p.took(w, value, op)
	case "is":
		p.is(w, value)
	default:
		p.field(FieldTest{Not: not, Name: key[len("field."):], Op: op, Value: value, Pos: w.pos})
	}
	return true
}

func (p *queryParser) level(w word, value string, not bool) {
	set, err := logs.ParseLevelSet(value)
	if err != nil {
		p.fail(
			w,
			lang.M(
				"no such level: %s (verbose, debug, info, warn, error, fatal; + for that and above)",
				lang.Raw(value),
			),
		)
		return
	}
	if not {
		set = logs.AllLevels &^ set
	}
	p.q.limitLevels(set)
}

// limitLevels narrows the query to levels of the set too.
func (q *Query) limitLevels(set logs.LevelSet) {
	if q.Levels != 0 {
		set &= q.Levels
	}
	if set == 0 {
		set = 1 << logs.LevelCount // a level that no event has
	}
	q.Levels = set
}

// LimitLevels narrows the query to "error", "warn+" and so on.
func (q *Query) LimitLevels(text string) error {
	set, err := logs.ParseLevelSet(text)
	if err == nil {
		q.limitLevels(set)
	}
	return err
}

func (p *queryParser) time(w word, key, value string) {
	parse := ParseMoment
	if key == "until" {
		parse = ParseEnd
	}
	t, err := parse(value, p.now)
	if err != nil {
		p.fail(w, lang.M("not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)", lang.Raw(value)))
		return
	}
	if key == "since" {
		p.q.Since = t
	} else {
		p.q.Until = t
	}
}

func (p *queryParser) took(w word, value, op string) {
	ms := int64(-1)
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		ms = n
	} else if d, err := time.ParseDuration(value); err == nil {
		ms = d.Milliseconds()
	}
	if ms < 0 {
		p.fail(w, lang.M("took needs a number of ms, or 1.5s"))
		return
	}
	if op == ">" {
		ms++
	}
	p.q.Took = max(ms, 1)
}

func (p *queryParser) is(w word, value string) {
	switch value {
	case "critical":
		p.q.Critical = true
	case "slow":
		p.q.Took = line.SlowMS
	default:
		p.fail(w, lang.M("is: needs critical or slow"))
	}
}

// ParseMoment reads a moment as package when does; of a day it is the midnight.
func ParseMoment(text string, now time.Time) (time.Time, error) {
	span, msg := when.Parse(text, now, now.Location())
	if !msg.Empty() {
		return time.Time{}, errors.New(msg.String())
	}
	return span.From, nil
}

// ParseEnd is ParseMoment for the end of a span: of a time of day that the clocks show
// twice it is the second, so that the span holds what was logged at either.
func ParseEnd(text string, now time.Time) (time.Time, error) {
	span, msg := when.Parse(text, now, now.Location())
	if !msg.Empty() {
		return time.Time{}, errors.New(msg.String())
	}
	if span.Till.Sub(span.From) < shortestDay {
		return span.Till, nil
	}
	return span.From, nil
}

// shortestDay is less than a day in which the clocks are put forward, and more than they
// are put back by.
const shortestDay = 12 * time.Hour
