package sqlscan

import (
	"errors"
	"slices"
	"strings"
)

// Ref is a name in a place where a table or another object is meant.
type Ref struct {
	Schema string // "" when the name stands alone
	Name   string
	First  int // index of the first token: the schema's, else the name's
	Last   int // index of the name's token
}

// Qualified tells whether a schema is named.
func (r Ref) Qualified() bool { return r.Schema != "" }

// Parsed is a statement and what it does.
type Parsed struct {
	*Text
	Verb string // the first keyword, upper case: CREATE, INSERT, SET …
	Kind string // of the object of CREATE, DROP, ALTER …: TABLE, VIEW, PACKAGE BODY …
	Refs []Ref  // every object named by its place, the statement's own first
	// Definer is the account of a DEFINER clause, as written; the clause is
	// the tokens from DefinerFirst to DefinerLast.
	Definer                   string
	DefinerFirst, DefinerLast int
	// index of the first token behind the object's name (and behind ON table, for triggers)
	Body      int
	Temporary bool // CREATE or DROP TEMPORARY
	Replace   bool // CREATE OR REPLACE
	Cautious  bool // IF EXISTS or IF NOT EXISTS
}

// errUnknown says that a statement is of no form that this package knows.
var errUnknown = errors.New("statement of an unknown form")

// Own is the object that the statement is about; zero for none.
func (p *Parsed) Own() Ref {
	if len(p.Refs) == 0 {
		return Ref{}
	}
	return p.Refs[0]
}

// Parse reads what a statement does. Of an INSERT or REPLACE with VALUES it
// reads only what is before the rows: see Literal.
func Parse(sql []byte, mode Mode) (*Parsed, error) {
	head, err := tokenize(sql, mode, func(t *Text) bool {
		last := len(t.Tokens) - 1
		return !(t.Any(0, "INSERT", "REPLACE") && t.Any(last, "VALUES", "VALUE"))
	})
	if err != nil {
		return nil, err
	}
	p := &Parsed{Text: head, Verb: head.Upper(0)}
	switch p.Verb {
	case "CREATE":
		err = p.create()
	case "DROP":
		err = p.drop()
	case "ALTER":
		err = p.alter()
	case "INSERT", "REPLACE":
		err = p.insert()
	case "USE", "TRUNCATE", "LOCK", "DELETE", "UPDATE":
		err = p.simple()
	}
	if mode.FoldNames {
		for i := range p.Refs {
			p.Refs[i].Schema = strings.ToLower(p.Refs[i].Schema)
			p.Refs[i].Name = strings.ToLower(p.Refs[i].Name)
		}
	}
	return p, err
}

// name takes the name at token i, with its schema, into Refs and returns the
// index behind it.
func (p *Parsed) name(i int) (int, error) {
	first, ok := p.Text.Name(i)
	if !ok {
		return i, errUnknown
	}
	if !p.Is(i+1, ".") {
		p.Refs = append(p.Refs, Ref{Name: first, First: i, Last: i})
		return i + 1, nil
	}
	second, ok := p.Text.Name(i + 2)
	if !ok {
		return i, errUnknown
	}
	p.Refs = append(p.Refs, Ref{Schema: first, Name: second, First: i, Last: i + 2})
	return i + 3, nil
}

// names takes a list of names.
func (p *Parsed) names(i int) (int, error) {
	for {
		next, err := p.name(i)
		if err != nil || !p.Is(next, ",") {
			return next, err
		}
		i = next + 1
	}
}

var createKinds = []string{
	"TABLE",
	"VIEW",
	"TRIGGER",
	"PROCEDURE",
	"FUNCTION",
	"EVENT",
	"SEQUENCE",
	"INDEX",
	"DATABASE",
	"SCHEMA",
	"PACKAGE",
	"LIBRARY",
}

func (p *Parsed) create() error {
	i := 1
	for ; p.Kind == ""; i++ {
		switch {
		case p.Follows(i, "OR", "REPLACE"):
			p.Replace = true
			i++
		case p.Is(i, "TEMPORARY"):
			p.Temporary = true
		case p.Is(i, "ALGORITHM") && p.Is(i+1, "="):
			i += 2
		case p.Follows(i, "SQL", "SECURITY"):
			i += 2
		case p.Any(i, "UNIQUE", "FULLTEXT", "SPATIAL", "AGGREGATE", "ONLINE", "OFFLINE"):
		case p.Is(i, "DEFINER") && p.Is(i+1, "=") && i+2 < p.Len():
			p.DefinerFirst = i
			i = p.account(i + 2)
			p.DefinerLast = i
			p.Definer = strings.TrimSpace(string(p.SQL[p.Tokens[p.DefinerFirst+2].Start:p.Tokens[i].End]))
		case slices.Contains(createKinds, p.Upper(i)):
			p.Kind = p.Upper(i)
		default:
			return errUnknown
		}
	}
	return p.created(i)
}

// account steps over a user: 'a'@'b', a, CURRENT_USER, CURRENT_USER(); it
// returns the index of its last token.
func (p *Parsed) account(i int) int {
	switch {
	case i >= p.Len():
		return p.Len() - 1
	case p.Text.Kind(i+1) == Variable:
		return i + 1
	case p.Is(i+1, "(") && p.Is(i+2, ")"):
		return i + 2
	}
	return i
}

func (p *Parsed) created(i int) (err error) {
	switch p.Kind {
	case "SCHEMA":
		p.Kind = "DATABASE"
	case "PACKAGE":
		if p.Is(i, "BODY") {
			p.Kind, i = "PACKAGE BODY", i+1
		}
	}
	if p.Follows(i, "IF", "NOT", "EXISTS") {
		p.Cautious = true
		i += 3
	}
	if i, err = p.name(i); err != nil {
		return err
	}
	switch p.Kind {
	case "TRIGGER": // BEFORE INSERT ON t
		if !p.Is(i+2, "ON") {
			return errUnknown
		}
		if i, err = p.name(i + 3); err != nil {
			return err
		}
	case "INDEX":
		for ; !p.Is(i, "ON"); i++ {
			if i >= p.Len() {
				return errUnknown
			}
		}
		if i, err = p.name(i + 1); err != nil {
			return err
		}
	}
	p.Body = i
	if p.Kind != "DATABASE" {
		p.dotted(i)
	}
	if p.Kind == "FUNCTION" || p.Kind == "PROCEDURE" {
		p.libraries(i)
	}
	return nil
}

// libraries takes the names in the USING (a.lib AS x, …) of a MySQL routine whose head ends
// at AS.
func (p *Parsed) libraries(i int) {
	for ; i < p.Len() && !p.Any(i, "AS", "BEGIN", "RETURN"); i++ {
		if !p.Is(i, "USING") || !p.Is(i+1, "(") {
			continue
		}
		for i++; i < p.Len() && !p.Is(i, ")"); i = p.ItemEnd(i + 1) {
			if p.Is(i+2, ".") {
				p.name(i + 1)
			}
		}
		return
	}
}

var dropKinds = []string{
	"TABLE",
	"TABLES",
	"VIEW",
	"TRIGGER",
	"PROCEDURE",
	"FUNCTION",
	"EVENT",
	"SEQUENCE",
	"DATABASE",
	"SCHEMA",
	"PACKAGE",
	"LIBRARY",
	"INDEX",
}

func (p *Parsed) drop() (err error) {
	i := 1
	if p.Is(i, "TEMPORARY") {
		p.Temporary = true
		i++
	}
	if p.Kind = p.Upper(i); !slices.Contains(dropKinds, p.Kind) {
		return errUnknown
	}
	i++
	switch {
	case p.Kind == "SCHEMA":
		p.Kind = "DATABASE"
	case p.Kind == "TABLES":
		p.Kind = "TABLE"
	case p.Kind == "PACKAGE" && p.Is(i, "BODY"):
		p.Kind, i = "PACKAGE BODY", i+1
	}
	if p.Follows(i, "IF", "EXISTS") {
		p.Cautious = true
		i += 2
	}
	if i, err = p.names(i); err != nil {
		return err
	}
	if p.Kind == "INDEX" && p.Is(i, "ON") {
		if i, err = p.name(i + 1); err != nil {
			return err
		}
	}
	p.Body = i
	p.dotted(i)
	return nil
}

var alterKinds = []string{
	"TABLE",
	"VIEW",
	"DATABASE",
	"SCHEMA",
	"EVENT",
	"SEQUENCE",
	"PROCEDURE",
	"FUNCTION",
	"LIBRARY",
}

func (p *Parsed) alter() (err error) {
	i := 1
	for p.Any(i, "ONLINE", "IGNORE") {
		i++
	}
	if p.Kind = p.Upper(i); !slices.Contains(alterKinds, p.Kind) {
		return errUnknown
	}
	i++
	if p.Kind == "SCHEMA" {
		p.Kind = "DATABASE"
	}
	if p.Follows(i, "IF", "EXISTS") {
		i += 2
	}
	if i, err = p.name(i); err != nil {
		return err
	}
	p.Body = i
	p.dotted(i)
	if p.Kind == "FUNCTION" || p.Kind == "PROCEDURE" {
		p.libraries(i)
	}
	return nil
}

func (p *Parsed) insert() (err error) {
	i := 1
	for p.Any(i, "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE") {
		i++
	}
	if p.Is(i, "INTO") {
		i++
	}
	if i, err = p.name(i); err != nil {
		return err
	}
	p.Body = i
	p.dotted(i)
	return nil
}

// simple takes the names of USE x, TRUNCATE [TABLE] x, LOCK TABLES x, DELETE
// FROM x and UPDATE x.
func (p *Parsed) simple() (err error) {
	i := 1
	for p.Any(i, "LOW_PRIORITY", "QUICK", "IGNORE", "FROM", "TABLE", "TABLES") {
		i++
	}
	if i, err = p.name(i); err != nil {
		return err
	}
	p.Body = i
	p.dotted(i)
	return nil
}
