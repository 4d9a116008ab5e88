package auditview

import (
	"errors"
	"sort"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/ops/audit"
	"opsdeck/tui/page"
)

// complete is what the query line offers while it is written.
type complete struct {
	offers []audit.Count // what fits, best first
	pick   int           // -1: none chosen
	spot   audit.Spot
	known  map[audit.Field][]audit.Count // values that exist, by field; nil value: asked for
	wrong  *audit.QueryError
}

// maxOffers is how many offers are shown.
const maxOffers = 7

type valuesMsg struct {
	field  audit.Field
	values []audit.Count
}

func (p *editor) edit() tea.Cmd {
	p.editing = true
	p.input.Set(p.base.query)
	p.input.Focus()
	return p.suggest()
}

func (p *editor) stopEditing() {
	p.editing = false
	p.wrong = nil
	p.offers = nil
	p.input.Blur()
}

// editKey handles a key of the query line.
func (p *editor) editKey(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		p.input.Set(p.base.query)
		p.stopEditing()
		return nil
	case "enter":
		if p.pick >= 0 {
			return p.accept()
		}
		return p.submit()
	case "tab":
		p.pick = max(p.pick, 0)
		return p.accept()
	case "down":
		p.pick = min(p.pick+1, len(p.offers)-1)
		return nil
	case "up":
		p.pick = max(p.pick-1, -1)
		return nil
	}
	p.input.Key(k)
	return p.suggest()
}

func (p *editor) submit() tea.Cmd {
	query := strings.TrimSpace(p.input.Value())
	if p.base.src == nil { // begin reads it
		p.stopEditing()
		p.base.query = query
		return nil
	}
	f, err := p.base.syntax().Parse(query)
	if errors.As(err, &p.wrong) {
		return nil
	}
	p.stopEditing()
	p.base.query, p.base.filter = query, f
	p.base.mode, p.base.back = listMode, nil
	return p.rows.reload(false)
}

// begin reads the rows of the query that was written before the database answered; a line
// that is still written goes on.
func (p *editor) begin() tea.Cmd {
	f, err := p.base.syntax().Parse(p.base.query)
	if err != nil {
		p.rows.list.err = err
		return nil
	}
	p.base.filter = f
	cmd := p.rows.reload(false)
	if p.editing {
		return tea.Batch(cmd, p.suggest())
	}
	return cmd
}

// accept puts the chosen offer into the line.
func (p *editor) accept() tea.Cmd {
	if p.pick < 0 || p.pick >= len(p.offers) {
		return nil
	}
	text := p.input.Value()
	offer := p.offers[p.pick].Value
	tail := text[p.spot.End:]
	switch {
	case p.spot.Key == "":
		offer += ":"
	case p.spot.Key == "resource" && !strings.Contains(offer, ":"):
		offer = audit.Quote(offer)
	default:
		offer = audit.Quote(offer)
		if tail == "" {
			offer += " "
		}
	}
	p.input.Set(text[:p.spot.Pos] + offer + tail)
	return p.suggest()
}

// suggest finds what fits at the cursor, and asks for values not known yet.
func (p *editor) suggest() tea.Cmd {
	text := p.input.Value()
	p.wrong = nil
	p.pick = -1
	p.offers = nil
	if p.base.src == nil { // nothing is known of the table yet
		return nil
	}
	runes := []rune(text)
	at := len(string(runes[:min(p.input.Position(), len(runes))]))
	p.spot = audit.SpotAt(text, at)
	if p.spot.Key == "" {
		p.offers = p.keys(p.spot.Prefix)
		return nil
	}
	switch p.spot.Key {
	case "since", "until", "on":
		p.offers = fitting(
			words("-1h", "-24h", "-7d", "-30d", "today", "yesterday",
				p.base.env.Clock.Now().In(p.base.env.Zone).Format("2006-01-02")),
			p.spot.Prefix,
		)
		return nil
	case "changed":
		p.offers = fitting(p.paths(), p.spot.Prefix)
		return nil
	}
	field, ok := audit.QueryField(p.spot.Key)
	if !ok {
		return nil
	}
	values, asked := p.known[field]
	p.offers = fitting(values, p.spot.Prefix)
	if asked {
		return nil
	}
	return p.askValues(field)
}

func (p *editor) askValues(field audit.Field) tea.Cmd {
	if p.known == nil {
		p.known = map[audit.Field][]audit.Count{}
	}
	p.known[field] = nil
	ctx, src := p.base.env.Ctx, p.base.src
	return func() tea.Msg {
		values, err := src.Values(ctx, field, "", 200)
		if err != nil {
			return nil // without offers the line works as well
		}
		return page.Msg{To: id, Body: valuesMsg{field, values}}
	}
}

// offer takes values that came while the line is written.
func (p *editor) offer(m valuesMsg) {
	p.known[m.field] = m.values
	if field, ok := audit.QueryField(p.spot.Key); p.editing && ok && field == m.field {
		p.offers = fitting(m.values, p.spot.Prefix)
	}
}

// keys are those that fit, with what to write behind them.
func (p *editor) keys(prefix string) []audit.Count {
	all := words(p.base.src.Layout().QueryKeys()...)
	for i := range all {
		for _, k := range formKeys {
			if k.key == all[i].Value {
				all[i].Label = p.base.env.Lang.Msg(k.hint)
			}
		}
	}
	var out []audit.Count
	for _, c := range all {
		if strings.HasPrefix(c.Value, strings.ToLower(prefix)) {
			out = append(out, c)
		}
	}
	return out
}

// paths are those that changed in the rows that are here.
func (p *editor) paths() []audit.Count {
	seen := audit.NewTally()
	for i := range p.rows.list.rows[:min(500, len(p.rows.list.rows))] {
		for _, c := range audit.Diff(&p.rows.list.rows[i]) {
			seen.Add(c.Path, "", 1)
		}
	}
	return seen.Top(0)
}

func words(all ...string) []audit.Count {
	out := make([]audit.Count, len(all))
	for i, w := range all {
		out[i].Value = w
	}
	return out
}

// fitting are the values that begin with what was written, then those that
// hold it, each in their order.
func fitting(values []audit.Count, prefix string) []audit.Count {
	prefix = strings.ToLower(strings.Trim(prefix, `"`))
	rank := func(c audit.Count) int {
		for _, text := range []string{c.Value, c.Label} {
			if strings.HasPrefix(strings.ToLower(text), prefix) {
				return 0
			}
		}
		if strings.Contains(strings.ToLower(c.Value), prefix) {
			return 1
		}
		return 2
	}
	var out []audit.Count
	for _, c := range values {
		if c.Value != "" && rank(c) < 2 && !strings.EqualFold(c.Value, prefix) {
			out = append(out, c)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return rank(out[i]) < rank(out[j]) })
	return out
}
