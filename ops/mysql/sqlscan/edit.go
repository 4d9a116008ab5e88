package sqlscan

import (
	"errors"
	"slices"
	"strings"
)

// Edit replaces the bytes Start to End of a statement.
type Edit struct {
	Start, End int
	New        string
}

// Apply makes the edits, which must not overlap.
func Apply(sql []byte, edits []Edit) []byte {
	if len(edits) == 0 {
		return sql
	}
	slices.SortFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	out := make([]byte, 0, len(sql)+64)
	at := 0
	for _, e := range edits {
		out = append(append(out, sql[at:e.Start]...), e.New...)
		at = e.End
	}
	return append(out, sql[at:]...)
}

// Requalify puts another schema, quoted by the caller, in a name's place.
func (p *Parsed) Requalify(r Ref, schema string) Edit {
	t := p.Tokens[r.First]
	return Edit{Start: t.Start, End: t.End, New: schema}
}

// Quoted is a name in the quotes of token i: backticks, double quotes, or none.
func (p *Parsed) Quoted(i int, name string) string {
	if p.Text.Kind(i) != Ident {
		return name
	}
	q := string(p.Bytes(i)[0])
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// Redefine puts another account, as SQL, in the DEFINER clause.
func (p *Parsed) Redefine(account string) Edit {
	return Edit{Start: p.Tokens[p.DefinerFirst+2].Start, End: p.Tokens[p.DefinerLast].End, New: account}
}

// errEvent says that an event's status was not found.
var errEvent = errors.New("event without a readable status")

// Disable makes a CREATE EVENT that never runs by itself.
func (p *Parsed) Disable() (Edit, error) { return p.status("DISABLE") }

// Enable makes a CREATE EVENT that runs as it is scheduled.
func (p *Parsed) Enable() (Edit, error) { return p.status("ENABLE") }

func (p *Parsed) status(word string) (Edit, error) {
	if p.Verb != "CREATE" || p.Kind != "EVENT" {
		return Edit{}, errEvent
	}
	for depth, i := 0, p.Body; i < p.Len(); i++ {
		switch {
		case p.Is(i, "("):
			depth++
		case p.Is(i, ")"):
			depth--
		case depth > 0:
		case p.Is(i, "ENABLE"):
			return Edit{p.Tokens[i].Start, p.Tokens[i].End, word}, nil
		case p.Is(i, "DISABLE"):
			last := i
			if p.Is(i+1, "ON") && p.Any(i+2, "SLAVE", "REPLICA") {
				last = i + 2
			}
			return Edit{p.Tokens[i].Start, p.Tokens[last].End, word}, nil
		case p.Any(i, "COMMENT", "DO"):
			return Edit{p.Tokens[i].Start, p.Tokens[i].Start, word + " "}, nil
		}
	}
	return Edit{}, errEvent
}
