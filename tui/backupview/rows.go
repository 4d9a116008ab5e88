package backupview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/tui/widget"
)

// row is a line of the list: a tier's or a copy's head, a backup, or a slot that
// is missing.
type row struct {
	tier *backup.TierInfo
	away *backup.Elsewhere // of a copy's group, which stands as a tier of its own
	head bool
	set  *backup.Set  // nil for a head and for a missing slot
	slot *backup.Slot // the slot that it stands for, if any
}

// key names a row, so that the cursor stays on it when others come and go.
func (r row) key() string {
	switch {
	case r.head:
		return "tier " + string(r.tier.Tier)
	case r.set != nil:
		return string(r.tier.Tier) + " " + r.set.Name
	}
	return string(r.tier.Tier) + " slot " + r.slot.Key(r.tier.Tier)
}

// at is the moment by which a row is sorted.
func (r row) at() time.Time {
	if r.set != nil {
		return r.set.At
	}
	return r.slot.From
}

// order is how the backups of a tier are sorted.
type order int

const (
	newestFirst order = iota
	oldestFirst
	largestFirst
	worstFirst
	orders
)

func (o order) label() lang.Msg {
	switch o {
	case oldestFirst:
		return lang.M("oldest first")
	case largestFirst:
		return lang.M("largest first")
	case worstFirst:
		return lang.M("worst first")
	}
	return lang.M("newest first")
}

func (o order) compare(a, b row) int {
	size := func(r row) int64 {
		if r.set == nil {
			return -1
		}
		return r.set.Size
	}
	state := func(r row) int {
		if r.set == nil {
			return 2
		}
		return map[backup.State]int{backup.Bad: 3, backup.Unverified: 1}[r.set.State]
	}
	byTime := b.at().Compare(a.at())
	switch o {
	case oldestFirst:
		return -byTime
	case largestFirst:
		return cmp.Or(cmp.Compare(size(b), size(a)), byTime)
	case worstFirst:
		return cmp.Or(cmp.Compare(state(b), state(a)), byTime)
	}
	return byTime
}

// list makes the rows anew from the shelf, the folds, the order and the filter.
func (p *table) list() {
	p.rows = p.rows[:0]
	if p.stock.shelf != nil {
		for i := range p.stock.shelf.Tiers {
			p.group(&p.stock.shelf.Tiers[i])
		}
		for i := range p.stock.shelf.Away {
			p.groupAway(&p.stock.shelf.Away[i])
		}
	}
	p.scroll.Len = len(p.rows)
	for i, r := range p.rows {
		if r.key() == p.chosen {
			p.scroll.Cursor = i
		}
	}
	p.settle()
}

func (p *table) group(t *backup.TierInfo) {
	rows := p.match(tierRows(t))
	if len(rows) == 0 && (p.filter != "" || len(t.Slots) == 0) {
		return
	}
	p.rows = append(p.rows, row{tier: t, head: true})
	if p.folded[string(t.Tier)] && p.filter == "" {
		return
	}
	slices.SortStableFunc(rows, p.order.compare)
	p.rows = append(p.rows, rows...)
}

// groupAway lists what only a copy holds.
func (p *table) groupAway(a *backup.Elsewhere) {
	t := &backup.TierInfo{Tier: backup.Tier("copy " + a.Copy), Sets: a.Only}
	rows := p.match(tierRows(t))
	if len(rows) == 0 && p.filter != "" {
		return
	}
	p.rows = append(p.rows, row{tier: t, away: a, head: true})
	if p.folded[string(t.Tier)] && p.filter == "" {
		return
	}
	slices.SortStableFunc(rows, p.order.compare)
	p.rows = append(p.rows, rows...)
}

// tierRows are a tier's backups, the slots that a backup of another name holds,
// and the slots that are missing.
func tierRows(t *backup.TierInfo) (rows []row) {
	slots := map[*backup.Set]*backup.Slot{}
	for i := range t.Slots {
		s := &t.Slots[i]
		switch {
		case s.Missing:
			rows = append(rows, row{tier: t, slot: s})
		case s.Set != nil && s.Set.Tier != t.Tier:
			rows = append(rows, row{tier: t, slot: s, set: s.Set})
		case s.Set != nil:
			slots[s.Set] = s
		}
	}
	for _, s := range t.Sets {
		rows = append(rows, row{tier: t, set: s, slot: slots[s]})
	}
	return rows
}

// match keeps the rows that hold every word of the filter.
func (p *table) match(rows []row) []row {
	if p.filter == "" {
		return rows
	}
	return slices.DeleteFunc(rows, func(r row) bool { return !widget.Holds(p.words(r), p.filter) })
}

// words are what the filter looks at.
func (p *table) words(r row) string {
	e := p.stock.env
	if r.set == nil {
		return e.T("missing") + " " + r.slot.From.Format("2006-01-02") + " " + string(r.tier.Tier)
	}
	words := []string{
		r.set.Name,
		string(r.set.State),
		e.Lang.Msg(r.set.State.Label()),
		r.set.Kind,
		r.set.Engine,
		e.Time(r.set.At),
	}
	for _, x := range r.set.Problems {
		words = append(words, e.Lang.Msg(x.Text()))
	}
	return strings.Join(words, " ")
}

// settle notes the row under the cursor.
func (p *table) settle() {
	p.scroll.Move(0)
	p.chosen = ""
	if p.scroll.Cursor < len(p.rows) {
		p.chosen = p.rows[p.scroll.Cursor].key()
	}
}

// fold opens or closes the group that the cursor is in.
func (p *table) fold() {
	if p.scroll.Cursor >= len(p.rows) {
		return
	}
	t := p.rows[p.scroll.Cursor].tier
	name := string(t.Tier)
	p.folded[name] = !p.folded[name]
	p.chosen = "tier " + name
	p.list()
}

// foldAll closes all groups, or opens all when all are closed.
func (p *table) foldAll() {
	shut := true
	for _, r := range p.rows {
		shut = shut && (!r.head || p.folded[string(r.tier.Tier)])
	}
	for _, t := range backup.Tiers {
		p.folded[string(t)] = !shut
	}
	for _, r := range p.rows {
		p.folded[string(r.tier.Tier)] = !shut
	}
	if p.scroll.Cursor < len(p.rows) {
		p.chosen = "tier " + string(p.rows[p.scroll.Cursor].tier.Tier)
	}
	p.list()
}
