package query

import (
	"errors"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"time"
)

// Asked is a query as a command line has it: words, and further conditions.
type Asked struct {
	Words    string
	Level    string
	Context  string
	Since    string
	Until    string
	Regexp   string
	Exact    string
	Slow     int64 // ms
	Critical bool
}

// Query makes one query of it all; errors are for people.
func (c Asked) Query(now time.Time) (*Query, error) {
	q, err := ParseQuery(c.Words, now)
	if err != nil {
		var at *QueryError
		if errors.As(err, &at) {
			return nil, ops.E(ops.Usage, lang.M("cannot parse the query at %q: %s", q.Source[at.Pos:at.End], at.What))
		}
		return nil, err
	}
	if c.Level != "" {
		if err := q.LimitLevels(c.Level); err != nil {
			return nil, ops.E(
				ops.Usage,
				lang.M("no such level: %s (verbose, debug, info, warn, error, fatal; + for that and above)", c.Level),
			)
		}
	}
	if c.Context != "" {
		q.Contexts = append(q.Contexts, ParsePattern(c.Context))
	}
	for _, m := range []struct {
		text  string
		to    *time.Time
		parse func(string, time.Time) (time.Time, error)
	}{{c.Since, &q.Since, ParseMoment}, {c.Until, &q.Until, ParseEnd}} {
		if m.text == "" {
			continue
		}
		if *m.to, err = m.parse(m.text, now); err != nil {
			return nil, ops.E(ops.Usage, lang.M("not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)", m.text))
		}
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Until.After(q.Since) {
		return nil, ops.E(ops.Usage, lang.M("--until must be after --since")).
			WithHint(lang.M("--until excludes its time; for a whole day give the next day"))
	}
	if c.Regexp != "" {
		t, err := RegexpTerm(c.Regexp)
		if err != nil {
			return nil, ops.E(ops.Usage, lang.M("not a regular expression: %s", err.Error()))
		}
		q.Groups = append(q.Groups, []Term{t})
	}
	if c.Exact != "" {
		q.Groups = append(q.Groups, []Term{ExactTerm(c.Exact)})
	}
	if c.Slow > 0 {
		q.Took = c.Slow
	}
	q.Critical = q.Critical || c.Critical
	return q, nil
}
