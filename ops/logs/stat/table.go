package stat

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Ask says what to count.
type Ask struct {
	By   []Field       // group by the values of these
	Of   *Field        // and make statistics of this number; nil for none
	Over time.Duration // and count by stretches of this length; 0 for none
	Zone *time.Location
}

// maxGroups is how many groups are kept; events of further ones are counted as Beyond.
const maxGroups = 200_000

// Table is what was counted. An event is counted once, however many of its lines were found.
type Table struct {
	Ask       Ask
	Events    int64
	Without   []int64 // for each field of By: events that have no value there
	Ungrouped int64   // events without one of them
	Beyond    int64   // events of groups that came after maxGroups others
	NoNumber  int64   // grouped events without the number, or with another text there
	OtherUnit int64   // of those, events whose number has another unit than Unit
	Unitless  int64   // events whose number has no unit, counted as of Unit
	NoTime    int64   // grouped events without a time: they are not in any stretch
	All       Group   // all grouped events
	groups    map[string]*Group
	unit      line.Unit
}

// Unit is what the numbers count: as the first one with a unit says, else as the name of
// the field does.
func (t *Table) Unit() line.Unit {
	switch {
	case t.Ask.Of == nil:
		return line.Plain
	case t.unit != line.Plain:
		return t.unit
	}
	return line.UnitOf(t.Ask.Of.Name)
}

// number is the number of an event.
func (t *Table) number(e *Event) (v float64, ok bool) {
	text, ok := t.Ask.Of.of(e)
	if !ok {
		return 0, false
	}
	v, unit, ok := line.Quantity(text)
	switch {
	case !ok:
		return 0, false
	case unit == line.Plain:
		t.Unitless++
	case t.unit == line.Plain:
		t.unit = unit
	case t.unit != unit:
		t.OtherUnit++
		return 0, false
	}
	return v, true
}

// Group is what was counted of the events that have the same values.
type Group struct {
	Values  []string // for each field of By
	Count   int64
	Numbers Numbers
	over    map[int64]*Cell
}

// Cell is what was counted of a group in a stretch of time that begins at At.
type Cell struct {
	At      time.Time
	Count   int64
	Numbers Numbers
}

// newTable begins to count.
func newTable(ask Ask) *Table {
	if ask.Zone == nil {
		ask.Zone = time.Local
	}
	return &Table{Ask: ask, Without: make([]int64, len(ask.By)), groups: map[string]*Group{}}
}

// Add counts an event.
func (t *Table) Add(e *logs.Event) {
	t.Events++
	asked := Event{Event: *e}
	g, ok := t.group(&asked)
	if !ok {
		return
	}
	number, has := 0.0, false
	if t.Ask.Of != nil {
		if number, has = t.number(&asked); !has {
			t.NoNumber++
		}
	}
	if t.Ask.Over > 0 && e.Time.IsZero() {
		t.NoTime++
	}
	for _, g := range []*Group{g, &t.All} {
		g.Count++
		if has {
			g.Numbers.Add(number)
		}
		if t.Ask.Over > 0 && !e.Time.IsZero() {
			c := g.cell(logs.Floor(e.Time.UnixMilli(), t.Ask.Over.Milliseconds(), t.Ask.Zone), t.Ask.Zone)
			c.Count++
			if has {
				c.Numbers.Add(number)
			}
		}
	}
}

// group is the one that an event belongs to.
func (t *Table) group(e *Event) (*Group, bool) {
	values := make([]string, len(t.Ask.By))
	missing := false
	for i := range t.Ask.By {
		v, ok := t.Ask.By[i].of(e)
		if !ok {
			t.Without[i]++
			missing = true
		}
		values[i] = v
	}
	if missing {
		t.Ungrouped++
		return nil, false
	}
	key := strings.Join(values, "\x00")
	g := t.groups[key]
	if g == nil {
		if len(t.groups) >= maxGroups {
			t.Beyond++
			return nil, false
		}
		g = &Group{Values: values}
		t.groups[key] = g
	}
	return g, true
}

func (g *Group) cell(ms int64, zone *time.Location) *Cell {
	if g.over == nil {
		g.over = map[int64]*Cell{}
	}
	c := g.over[ms]
	if c == nil {
		c = &Cell{At: time.UnixMilli(ms).In(zone)}
		g.over[ms] = c
	}
	return c
}

// Over are the stretches of time that hold something, in their order.
func (g *Group) Over() []*Cell {
	out := make([]*Cell, 0, len(g.over))
	for _, c := range g.over {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *Cell) int { return a.At.Compare(b.At) })
	return out
}

// Order is what groups are sorted by, the highest first; names by the alphabet.
type Order string

// The orders.
const (
	ByCount Order = "count"
	ByP50   Order = "p50"
	ByP95   Order = "p95"
	ByMax   Order = "max"
	BySum   Order = "sum"
	ByName  Order = "name"
)

func (o Order) of(g *Group) float64 {
	switch o {
	case ByP50:
		return g.Numbers.Percentile(50)
	case ByP95:
		return g.Numbers.Percentile(95)
	case ByMax:
		return g.Numbers.Max
	case BySum:
		return g.Numbers.Sum
	case ByName:
		return 0
	}
	return float64(g.Count)
}

// Groups are the groups in an order, and equals by their names. Without By there are none.
func (t *Table) Groups(o Order) []*Group {
	if len(t.Ask.By) == 0 {
		return nil
	}
	out := make([]*Group, 0, len(t.groups))
	for _, g := range t.groups {
		out = append(out, g)
	}
	byNumber := o != ByCount && o != ByName
	slices.SortFunc(out, func(a, b *Group) int {
		if byNumber && (a.Numbers.Count == 0) != (b.Numbers.Count == 0) { // no number is not a small one
			return cmp.Compare(b.Numbers.Count, a.Numbers.Count)
		}
		return cmp.Or(cmp.Compare(o.of(b), o.of(a)), slices.Compare(a.Values, b.Values))
	})
	return out
}
