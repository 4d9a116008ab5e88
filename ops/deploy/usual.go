package deploy

import (
	"slices"
	"time"

	"opsdeck/internal/pattern"
)

// usualRuns is how many of the newest runs of a step its usual duration is made of.
const usualRuns = 9

// Usual is how long a step took in the newest runs of a plan in which it succeeded: their
// median, and how many they were. It is an estimate; 0 runs: there is none. past are the
// newest first.
func Usual(past []*Deployment, plan, step string) (median time.Duration, runs int) {
	var took []time.Duration
	for _, d := range past {
		at := slices.IndexFunc(d.Plan.Steps, func(s Step) bool { return s.Name == step })
		if d.Plan.Name != plan || at < 0 {
			continue
		}
		if t, ok := Took(d.Lines, at); ok {
			took = append(took, t)
		}
		if len(took) == usualRuns {
			break
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], len(took)
}

// Took is how long a step took that was done in one go. One that was interrupted and
// begun again has none.
func Took(lines []Line, step int) (took time.Duration, ok bool) {
	var began time.Time
	for _, l := range lines {
		if l.Step != step {
			continue
		}
		switch l.Event {
		case EventStep:
			if !began.IsZero() {
				return 0, false
			}
			began = l.Time
		case EventDone:
			return l.Time.Sub(began), !began.IsZero()
		}
	}
	return 0, false
}

var losing = pattern.New(`(?i)\b(DROP\s+(TABLE|COLUMN|DATABASE|SCHEMA)|TRUNCATE)\b`)

// Losing are the lines among SQL statements that remove tables, columns or rows. Comments
// are left out.
func Losing(lines []string) (out []string) {
	for _, l := range lines {
		if m := losing.FindStringIndex(l); m != nil && !comment.MatchString(l[:m[0]]) {
			out = append(out, l)
		}
	}
	return out
}

var comment = pattern.New(`^\s*(--|#|//)`)
