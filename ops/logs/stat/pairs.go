package stat

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// PairRule tells which lines begin an operation, which end it, and what says that two are of the same one.
type PairRule struct {
	Start, End *regexp.Regexp
	By         *Field // nil: the first group of Start and of End
}

// ParsePairs reads "start /RE/ end /RE/ by FIELD". A value without slashes is plain text, in quotes where
// it has blanks. Without "by" the first group of both expressions is the id: one of the two must be
// there. problem is empty where the rule is clear.
func ParsePairs(text string) (r *PairRule, problem lang.Msg) {
	r = &PairRule{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		word, rest, _ := strings.Cut(text, " ")
		value, isExpr, left := pairValue(strings.TrimSpace(rest))
		text = left
		word = strings.TrimSuffix(word, ":")
		if value == "" {
			return nil, lang.M("%s needs a value: start /RE/ end /RE/ by FIELD", lang.Raw(word))
		}
		re, err := pairExpr(value, isExpr)
		if err != nil && word != "by" {
			return nil, lang.M("not a regular expression: %s", lang.Raw(err.Error()))
		}
		switch word {
		case "start":
			r.Start = re
		case "end":
			r.End = re
		case "by":
			if isExpr {
				value = "/" + value + "/"
			}
			f, err := ParseField(value)
			if err != nil {
				return nil, lang.M("not a regular expression: %s", lang.Raw(err.Error()))
			}
			r.By = &f
		default:
			return nil, lang.M("pairs are written as: start /RE/ end /RE/ by FIELD")
		}
	}
	if r.Start == nil || r.End == nil {
		return nil, lang.M("pairs are written as: start /RE/ end /RE/ by FIELD")
	}
	if r.By == nil && (r.Start.NumSubexp() == 0 || r.End.NumSubexp() == 0) {
		return nil, lang.M("start and end both need a group for the id, or name it with by FIELD")
	}
	return r, lang.Msg{}
}

// pairExpr is what finds a value; an error shows the expression as it was typed.
func pairExpr(value string, isExpr bool) (*regexp.Regexp, error) {
	if !isExpr {
		return regexp.Compile(regexp.QuoteMeta(value))
	}
	if re, err := regexp.Compile(value); err != nil {
		return re, err
	}
	return regexp.Compile("(?m)" + value)
}

// pairValue takes /RE/, "text" or a word from the front.
func pairValue(text string) (value string, isExpr bool, rest string) {
	if text == "" {
		return "", false, ""
	}
	quote := text[0]
	if quote != '/' && quote != '"' && quote != '\'' {
		value, rest, _ = strings.Cut(text, " ")
		return value, false, rest
	}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == quote && (i+1 == len(text) || text[i+1] == ' '):
			return text[1:i], quote == '/', text[i+1:]
		}
	}
	return text, false, ""
}

// Moment is a line that begins or ends an operation.
type Moment struct {
	At     time.Time
	Source string
	Line   int64 // 0 where lines are not numbered
}

// Pair is an operation from its start to its end.
type Pair struct {
	ID         string
	Start, End Moment
}

// Took is how long it took.
func (p *Pair) Took() time.Duration { return p.End.At.Sub(p.Start.At) }

// Pairs are the operations that were found.
type Pairs struct {
	Count    int64
	Took     Numbers // ms
	Slowest  []Pair  // the slowest first, as many as were asked for
	Open     []Pair  // that have no end, the oldest first; End is zero
	NoStart  int64   // ends without a start
	NoID     int64   // lines that begin or end one and have no id
	NoTime   int64   // such lines that have no time
	Beyond   int64   // starts that came while maxGroups others were open: they are not followed
	Last     time.Time
	rule     *PairRule
	keep     int
	open     map[string][]Moment
	openings int
}

// FindPairs finds operations among the events that a scan finds. keep is how many of the slowest to keep,
// 0 for all. An end belongs to the last start of its id that has no end yet and is no later than it.
func FindPairs(
	ctx context.Context,
	scan *index.Scan,
	sources []logs.Source,
	rule *PairRule,
	keep int,
) (*Pairs, error) {
	p := &Pairs{rule: rule, keep: keep, open: map[string][]Moment{}}
	narrowed := *scan.Query
	start := query.Term{Kind: query.TermRegexp, Text: rule.Start.String(), Re: rule.Start}
	end := query.Term{Kind: query.TermRegexp, Text: rule.End.String(), Re: rule.End}
	narrowed.Groups = append(slices.Clone(narrowed.Groups), []query.Term{start, end})
	s := *scan
	s.Query = &narrowed
	err := each(ctx, &s, sources, func(e *logs.Event) error {
		p.add(&Event{Event: *e})
		return nil
	})
	p.close()
	return p, err
}

func (p *Pairs) add(e *Event) {
	begins := p.rule.Start.FindSubmatch(e.seen())
	ends := p.rule.End.FindSubmatch(e.seen())
	if begins == nil && ends == nil {
		return
	}
	if e.Time.IsZero() {
		p.NoTime++
		return
	}
	if e.Time.After(p.Last) {
		p.Last = e.Time
	}
	at := Moment{e.Time, e.Source, e.Line}
	if ends != nil {
		id, ok := p.id(e, ends)
		switch {
		case !ok:
			p.NoID++
			return
		case p.end(id, at):
			return
		case begins == nil:
			p.NoStart++
			return
		}
	}
	if begins == nil {
		return
	}
	id, ok := p.id(e, begins)
	switch {
	case !ok:
		p.NoID++
	case p.openings >= maxGroups:
		p.Beyond++
	default:
		p.open[id] = append(p.open[id], at)
		p.openings++
	}
}

func (p *Pairs) id(e *Event, m [][]byte) (string, bool) {
	if p.rule.By != nil {
		return p.rule.By.of(e)
	}
	i := slices.IndexFunc(m[1:], func(g []byte) bool { return len(g) > 0 })
	if i < 0 {
		return "", false
	}
	return string(bytes.TrimSpace(m[i+1])), true
}

// end ends the last start of an id that is not later than at; ok is false where there is none.
func (p *Pairs) end(id string, at Moment) (ok bool) {
	starts := p.open[id]
	i := len(starts) - 1
	for i >= 0 && starts[i].At.After(at.At) {
		i-- // lines out of order: nothing ends before it began
	}
	if i < 0 {
		return false
	}
	pair := Pair{id, starts[i], at}
	p.openings--
	if p.open[id] = slices.Delete(starts, i, i+1); len(starts) == 1 {
		delete(p.open, id)
	}
	p.Count++
	p.Took.Add(float64(pair.Took()) / float64(time.Millisecond))
	p.Slowest = append(p.Slowest, pair)
	if p.keep > 0 && len(p.Slowest) >= 4*p.keep+1000 {
		p.slowest()
	}
	return true
}

// slowest sorts what is kept and drops what is not wanted.
func (p *Pairs) slowest() {
	slices.SortStableFunc(p.Slowest, func(a, b Pair) int { return int(min(max(b.Took()-a.Took(), -1), 1)) })
	if p.keep > 0 && len(p.Slowest) > p.keep {
		p.Slowest = p.Slowest[:p.keep]
	}
}

func (p *Pairs) close() {
	p.slowest()
	for id, starts := range p.open {
		for _, at := range starts {
			p.Open = append(p.Open, Pair{ID: id, Start: at})
		}
	}
	slices.SortFunc(p.Open, func(a, b Pair) int {
		if c := a.Start.At.Compare(b.Start.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}
