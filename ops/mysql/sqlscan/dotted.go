package sqlscan

// clause tells what a name with one dot means: in a table clause a.b is table b
// of schema a, elsewhere it is column b of table a.
type clause struct {
	tables bool // behind FROM, JOIN, INTO, UPDATE …
	query  bool // a SELECT or DELETE was seen: FROM means tables, not EXTRACT(x FROM y)
	on     bool // in the condition of a JOIN: a comma ends it, and tables follow
}

// dotted finds the names with a schema from token i on, by their place.
func (p *Parsed) dotted(i int) {
	stack := []clause{{query: true}}
	for ; i < p.Len(); i++ {
		top := &stack[len(stack)-1]
		switch k := p.Text.Kind(i); {
		case p.Is(i, "("):
			stack = append(stack, clause{tables: top.tables && !p.listBefore(i)})
		case p.Is(i, ")"):
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		case (k == Word || k == Ident) && p.Is(i+1, ".") && p.named(i+2):
			i = p.dottedName(i, top.tables)
		case k == Word:
			top.turn(p, i)
		case p.Is(i, ",") && top.on:
			top.on, top.tables = false, true
		case p.Is(i, ";"):
			*top = clause{query: true}
		}
	}
}

func (p *Parsed) named(i int) bool {
	k := p.Text.Kind(i)
	return k == Word || k == Ident || k == Number
}

// listBefore tells whether the bracket at i opens a list of columns or
// arguments: it stands right behind a name.
func (p *Parsed) listBefore(i int) bool {
	switch p.Upper(i - 1) {
	case "FROM", "JOIN", "TABLE", "LATERAL", "STRAIGHT_JOIN":
		return false
	}
	k := p.Text.Kind(i - 1)
	return k == Word || k == Ident
}

// turn follows the keywords that begin and end a table clause.
func (c *clause) turn(p *Parsed, i int) {
	switch p.Upper(i) {
	case "SELECT", "DELETE", "HANDLER":
		c.query = true
		c.tables, c.on = false, false
	case "FROM":
		c.tables, c.on = c.query, false
	case "JOIN",
		"STRAIGHT_JOIN",
		"INTO",
		"TABLE",
		"TABLES",
		"REFERENCES",
		"CALL",
		"LIKE",
		"TRUNCATE",
		"DESCRIBE",
		"UNION":
		c.tables = p.Upper(i) != "LIKE" || p.Verb == "CREATE" && p.Kind == "TABLE"
	case "RENAME":
		c.tables = p.Verb == "ALTER"
	case "UPDATE":
		// ON DUPLICATE KEY UPDATE a.b = … and FOR UPDATE name columns or nothing.
		c.tables = !p.Is(i-1, "KEY") && !p.Is(i-1, "FOR") && !p.Is(i-1, "ON") && !p.Any(i-1, "BEFORE", "AFTER")
	case "ON":
		c.on = c.tables && !p.Any(i+1, "DUPLICATE", "DELETE", "UPDATE")
		c.tables = false
	case "GROUP", "ORDER":
		if p.Is(i-1, "FOR") { // an index hint: tables may follow
			return
		}
		c.tables, c.on = false, false
	case "WHERE", "SET", "HAVING", "LIMIT", "VALUES", "VALUE", "BEGIN", "DO", "RETURN", "WHILE", "UNTIL", "WINDOW":
		c.tables, c.on = false, false
	case "END", "THEN", "IF", "ELSE": // a condition may hold a CASE or an IF()
		c.tables = false
	}
}

// dottedName takes the name that begins at token i when its first part is a
// schema, and returns the index of the name's last token.
func (p *Parsed) dottedName(i int, tables bool) int {
	last := i + 2
	if p.Is(i+3, ".") && p.named(i+4) {
		last = i + 4 // schema.table.column
	}
	call := last == i+2 && p.Is(i+3, "(")
	if tables || call || last == i+4 || p.Is(i-1, "(") && p.Any(i-2, "NEXTVAL", "LASTVAL", "SETVAL") ||
		p.Follows(i-3, "NEXT", "VALUE", "FOR") {
		schema, _ := p.Text.Name(i)
		name, ok := p.Text.Name(i + 2)
		if !ok {
			name = string(p.Text.Bytes(i + 2))
		}
		p.Refs = append(p.Refs, Ref{Schema: schema, Name: name, First: i, Last: i + 2})
	}
	return last
}

// Mentions tells whether a name stands anywhere as a token before a dot, or
// inside a string as a word of its own: where a routine that was made for one
// schema may still mean it.
func (p *Parsed) Mentions(schema string) (asName, inString bool) {
	for i := range p.Tokens {
		switch p.Text.Kind(i) {
		case Word, Ident:
			if n, _ := p.Text.Name(i); p.Mode.Same(n, schema) && p.Is(i+1, ".") {
				asName = true
			}
		case String:
			if v, _ := p.Value(i); holdsWord(v, schema) {
				inString = true
			}
		}
	}
	return asName, inString
}

func holdsWord(text, word string) bool {
	if word == "" {
		return false
	}
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i:i+len(word)] != word {
			continue
		}
		before := i > 0 && wordByte[text[i-1]]
		after := i+len(word) < len(text) && wordByte[text[i+len(word)]]
		if !before && !after {
			return true
		}
	}
	return false
}
