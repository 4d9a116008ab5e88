package audit

import (
	"encoding/json"
	"sort"
	"time"
)

// Count is how many rows have a value; Value is "" for NULL.
type Count struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"` // a user's name, where the table has one
	Rows  int64  `json:"rows"`
}

// Gap is a stretch of a resource's life without rows.
type Gap struct {
	After  time.Time     `json:"after"`
	Before time.Time     `json:"before"`
	Length time.Duration `json:"-"`
}

// Summary is a resource's life in numbers.
type Summary struct {
	Rows     int64
	First    time.Time
	Last     time.Time
	ByAction []Count
	ByUser   []Count
	Gaps     []Gap // the longest, longest first
	Cut      bool  // the resource has more rows than were read
}

// Trace is the whole life of a resource, oldest row first.
type Trace struct {
	Type, ID string
	Summary  Summary
	Timeline []Row
}

// maxGaps is how many gaps a summary names, and longGap what a gap has to be,
// as a multiple of the mean distance between rows.
const (
	maxGaps = 3
	longGap = 4
)

// Summarize counts rows that are in order, oldest first.
func Summarize(rows []Row) Summary {
	s := Summary{Rows: int64(len(rows))}
	actions := NewTally()
	users := NewTally()
	for i := range rows {
		r := &rows[i]
		actions.Add(r.Get(Action), "", 1)
		users.Add(r.Get(UserID), r.Get(UserName), 1)
		if r.Time.IsZero() {
			continue
		}
		if s.First.IsZero() {
			s.First = r.Time
		}
		s.Last = r.Time
	}
	s.ByAction, s.ByUser = actions.Top(0), users.Top(0)
	s.Gaps = gaps(rows, s)
	return s
}

func gaps(rows []Row, s Summary) []Gap {
	if len(rows) < 3 {
		return nil
	}
	mean := s.Last.Sub(s.First) / time.Duration(len(rows)-1)
	var out []Gap
	for i := 1; i < len(rows); i++ {
		a, b := rows[i-1].Time, rows[i].Time
		if d := b.Sub(a); !a.IsZero() && d > mean*longGap && d > time.Minute {
			out = append(out, Gap{After: a, Before: b, Length: d})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Length > out[j].Length })
	return out[:min(len(out), maxGaps)]
}

// Tally counts by value.
type Tally struct {
	rows   map[string]int64
	labels map[string]string
}

// NewTally is an empty tally.
func NewTally() *Tally { return &Tally{map[string]int64{}, map[string]string{}} }

// Add counts n rows of a value; a label that is not "" names it.
func (t *Tally) Add(value, label string, n int64) {
	t.rows[value] += n
	if label != "" {
		t.labels[value] = label
	}
}

// Top are the n values with the most rows, most first, then by value; all for 0.
func (t *Tally) Top(n int) []Count {
	out := make([]Count, 0, len(t.rows))
	for v, rows := range t.rows {
		out = append(out, Count{Value: v, Label: t.labels[v], Rows: rows})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Rows != out[j].Rows {
			return out[i].Rows > out[j].Rows
		}
		return out[i].Value < out[j].Value
	})
	if n > 0 && len(out) > n {
		out = out[:n]
	}
	return out
}

// EncodeTrace writes the contract's JSON document.
func (l *Layout) EncodeTrace(t *Trace) []byte {
	type gap struct {
		After  time.Time `json:"after"`
		Before time.Time `json:"before"`
		MS     int64     `json:"gap_ms"`
	}
	type summary struct {
		Rows     int64      `json:"rows"`
		First    *time.Time `json:"first_at"`
		Last     *time.Time `json:"last_at"`
		ByAction []Count    `json:"by_action"`
		ByUser   []Count    `json:"by_user"`
		Gaps     []gap      `json:"gaps"`
		Cut      bool       `json:"truncated"`
	}
	s := summary{Rows: t.Summary.Rows, First: moment(t.Summary.First), Last: moment(t.Summary.Last),
		ByAction: t.Summary.ByAction, ByUser: t.Summary.ByUser, Gaps: []gap{}, Cut: t.Summary.Cut}
	for _, g := range t.Summary.Gaps {
		s.Gaps = append(s.Gaps, gap{g.After, g.Before, g.Length.Milliseconds()})
	}
	timeline := make([]json.RawMessage, len(t.Timeline))
	for i := range t.Timeline {
		timeline[i] = l.Encode(&t.Timeline[i], true)
	}
	out, err := json.Marshal(struct {
		Type     string            `json:"resource_type"`
		ID       string            `json:"resource_id"`
		Summary  summary           `json:"summary"`
		Timeline []json.RawMessage `json:"timeline"`
	}{t.Type, t.ID, s, timeline})
	if err != nil { // raw messages that Encode made are JSON
		panic(err)
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
