package history

import (
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/sqlscan"
)

// change is what one statement did to the table.
type change struct {
	made    *Definition // CREATE TABLE with all its columns
	created bool        // a new table took the name: its rows are not the earlier ones
	dropped bool
	opaque  bool // not understood, or the columns come from elsewhere
	maybe   bool // CREATE TABLE IF NOT EXISTS: it may have done nothing
	steps   []step
}

// read reads what a statement did to a table; nil if it left its columns alone.
func read(s Statement, database, table string) *change {
	if !binlog.Mentions(s.SQL, table) {
		return nil
	}
	p, err := sqlscan.Parse([]byte(s.SQL), s.Mode)
	if err != nil {
		if MayDefine(s.SQL) {
			return &change{opaque: true}
		}
		return nil
	}
	is := func(r sqlscan.Ref) bool {
		in := r.Schema
		if in == "" {
			in = s.Schema
		}
		return strings.EqualFold(r.Name, table) && strings.EqualFold(in, database)
	}
	switch {
	case p.Temporary:
		return nil
	case p.Verb == "RENAME" && p.Any(1, "TABLE", "TABLES"):
		return renamed(p, table)
	case p.Kind != "TABLE":
		return nil
	case p.Verb == "DROP" && slices.ContainsFunc(p.Refs, is):
		return &change{dropped: true}
	case p.Verb == "ALTER" && !is(p.Own()):
		return takenOver(p, table)
	case !is(p.Own()):
		return nil
	case p.Verb == "ALTER":
		if steps := readAlter(p); len(steps) > 0 {
			return &change{steps: steps}
		}
	case p.Verb == "CREATE":
		made := readCreate(p)
		return &change{created: !p.Cautious, maybe: p.Cautious, made: made, opaque: made == nil}
	}
	return nil
}

// MayDefine reports whether a statement may define a table, by its first words.
func MayDefine(sql string) bool {
	words := strings.Fields(strings.ToUpper(sql))
	for i, w := range words {
		switch {
		case w == "TABLE" || w == "TABLES":
			return words[0] != "TRUNCATE"
		case i > 5 || w == "VIEW" || w == "TRIGGER" || w == "PROCEDURE" || w == "FUNCTION" || w == "EVENT":
			return false
		}
	}
	return false
}

// renamed reads RENAME TABLE: whatever it did with the name, the table of after is not the
// one of before.
func renamed(p *sqlscan.Parsed, table string) *change {
	for i := range p.Len() {
		if name, ok := p.Name(i); ok && strings.EqualFold(name, table) {
			return &change{created: true, opaque: true}
		}
	}
	return nil
}

// takenOver reads the ALTER TABLE of another table, which may take the name.
func takenOver(p *sqlscan.Parsed, table string) *change {
	for i := p.Body; i < p.Len(); i++ {
		if !p.Is(i, "RENAME") || p.Any(i+1, "COLUMN", "INDEX", "KEY") {
			continue
		}
		for j := i + 1; j < min(i+5, p.Len()); j++ {
			if name, ok := p.Name(j); ok && strings.EqualFold(name, table) {
				return &change{created: true, opaque: true}
			}
		}
	}
	return nil
}

// readCreate reads the columns of a CREATE TABLE; nil if it does not list them all.
func readCreate(p *sqlscan.Parsed) *Definition {
	if !p.Is(p.Body, "(") || p.Is(p.Body+1, "LIKE") {
		return nil
	}
	a := &alterer{Parsed: p}
	d := &Definition{KeyKnown: true}
	i := p.Body + 1
	for i < p.Len() && !p.Is(i-1, ")") {
		end := a.ItemEnd(i)
		if key, ok := a.primaryKey(i, end); ok {
			d.Key = key
		}
		a.listed(i, end, false)
		i = end + 1
	}
	for ; i < p.Len(); i++ {
		if p.Any(i, "SELECT", "VERSIONING") {
			return nil
		}
	}
	for _, s := range a.steps {
		switch s.verb {
		case add:
			d.Columns = append(d.Columns, s.to)
		case rekey:
			if d.Key == nil { // PRIMARY KEY in the definition of the last column
				d.Key = []string{d.Columns[len(d.Columns)-1].Name}
			}
		default:
			return nil
		}
	}
	d.inherit(tableCharset(p))
	return d
}

// primaryKey reads the columns of PRIMARY KEY (a, b(10)).
func (a *alterer) primaryKey(i, end int) (columns []string, ok bool) {
	if a.Is(i, "CONSTRAINT") {
		i++
		if !a.Is(i, "PRIMARY") {
			i++
		}
	}
	if !a.Is(i, "PRIMARY") {
		return nil, false
	}
	depth := 0
	for ; i < end; i++ {
		switch {
		case a.Is(i, "("):
			depth++
		case a.Is(i, ")"):
			depth--
		case depth == 1 && (a.Is(i-1, "(") || a.Is(i-1, ",")):
			name, _ := a.Name(i)
			columns = append(columns, name)
		}
	}
	return columns, true
}

// tableCharset is the character set that a CREATE TABLE names for its columns; "" for none.
func tableCharset(p *sqlscan.Parsed) (charset string) {
	depth := 0
	for i := p.Body; i < p.Len(); i++ {
		switch {
		case p.Is(i, "("):
			depth++
		case p.Is(i, ")"):
			depth--
		case depth > 0:
		case p.Is(i, "CHARSET"):
			charset = charsetAt(p.Text, i+1+eq(p, i+1))
		case p.Follows(i, "CHARACTER", "SET"):
			charset = charsetAt(p.Text, i+2+eq(p, i+2))
		}
	}
	return charset
}

func eq(p *sqlscan.Parsed, i int) int {
	if p.Is(i, "=") {
		return 1
	}
	return 0
}

// inherit gives the table's character set to the columns that name none.
func (d *Definition) inherit(charset string) {
	for i := range d.Columns {
		if own := d.Columns[i].Declared; own != nil && own.Charset == "" {
			own.Charset = charset
		}
	}
}
