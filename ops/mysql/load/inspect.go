package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/sqlscan"
)

// counted is Text, and reports how many bytes of the file have been read.
func (s *Source) counted(tell func(n int64)) (io.ReadCloser, error) {
	return plain(&countingReaderAt{s, tell})
}

type countingReaderAt struct {
	s    *Source
	tell func(int64)
}

func (c *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= c.s.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), c.s.size-off)]
	n, err := c.s.file.ReadAt(p, off)
	c.tell(int64(n))
	return n, err
}

// edges keeps the first and the last bytes of what is read through it.
type edges struct {
	r          io.Reader
	head, tail []byte
	n          int64
}

const edgeBytes = 4 << 10

func (e *edges) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.n += int64(n)
	if room := edgeBytes - len(e.head); room > 0 {
		e.head = append(e.head, p[:min(room, n)]...)
	}
	e.tail = append(e.tail, p[max(0, n-edgeBytes):n]...)
	if len(e.tail) > edgeBytes {
		e.tail = append(e.tail[:0], e.tail[len(e.tail)-edgeBytes:]...)
	}
	return n, err
}

var (
	firstLine = regexp.MustCompile(`(?m)^-- (MySQL dump|MariaDB dump|phpMyAdmin SQL Dump|HeidiSQL|Adminer|mydumper)`)
	hostLine  = regexp.MustCompile(
		`(?m)^-- (?:Host: .*\s|)Database: +(?:` + "`" + `([^` + "`" + `]+)` + "`" + `|(\S+))`,
	)
	lastLine   = regexp.MustCompile(`(?m)^-- Dump completed(?: on +(\d{4}-\d\d-\d\d +\d+:\d\d:\d\d))?`)
	trailerSet = []byte("/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */")
)

// saved matches the settings that a dump saves at its beginning and restores at its end.
var saved = regexp.MustCompile(`@(OLD_\w+) *= *@@`)

// restored tells whether the end restores one of the settings saved at the beginning.
func (e *edges) restored() bool {
	names := saved.FindAllSubmatch(e.head, -1)
	for _, n := range names {
		if regexp.MustCompile(`= *(?:IFNULL\()?@` + string(n[1]) + `\b`).Match(e.tail) {
			return true
		}
	}
	return len(names) == 0
}

// complete tells whether the dump has the end that its beginning calls for.
func (e *edges) complete() bool {
	if bytes.Contains(e.head, []byte("Navicat")) && bytes.Contains(e.head, []byte("\nSET FOREIGN_KEY_CHECKS = 0;")) {
		return bytes.Contains(e.tail, []byte("SET FOREIGN_KEY_CHECKS = 1;"))
	}
	tool := firstLine.FindSubmatch(e.head)
	switch {
	case tool == nil || bytes.Equal(tool[1], []byte("HeidiSQL")):
		return e.restored()
	case bytes.HasPrefix(tool[1], []byte("phpMyAdmin")):
		return !bytes.Contains(e.head, []byte("OLD_CHARACTER_SET_RESULTS=")) ||
			bytes.Contains(e.tail, []byte("CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT"))
	case bytes.HasSuffix(tool[1], []byte(" dump")):
		return lastLine.Match(e.tail) || bytes.Contains(e.tail, trailerSet)
	}
	return true
}

// Inspect reads a foreign dump without a server: what it contains, and whether its end
// is there. A statement never makes it fail; only a read error does.
func Inspect(ctx context.Context, src *Source) (*backup.DumpContents, error) {
	text, err := src.Text()
	if err != nil {
		return nil, damaged(err)
	}
	defer text.Close()
	return InspectText(ctx, text)
}

// InspectText is Inspect on a stream of text.
func InspectText(ctx context.Context, text io.Reader) (*backup.DumpContents, error) {
	begin := time.Now()
	e := &edges{r: text}
	v := &inspection{
		contents: &backup.DumpContents{},
		settings: settings{vars: map[string]string{}},
		definers: map[string]bool{},
		temps:    map[string]bool{},
	}
	sp := sqlscan.NewSplitter(e, sqlscan.Limits{})
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sp.SetMode(v.settings.mode)
		q, err := sp.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, damaged(err)
		}
		v.look(q)
	}
	v.finish(e)
	v.contents.Elapsed = time.Since(begin)
	return v.contents, nil
}

// inspection collects what Inspect finds.
type inspection struct {
	contents *backup.DumpContents
	settings settings
	current  string // the schema of the last USE
	definers map[string]bool
	temps    map[string]bool // temporary tables: they are gone at the end
	kept     int             // bytes of Definitions
}

func (v *inspection) look(q sqlscan.Statement) {
	c := v.contents
	c.Statements++
	p, err := sqlscan.Parse(q.SQL, v.settings.mode)
	if err != nil {
		v.outside(q, q.SQL)
		v.keep(q)
		return
	}
	switch p.Verb {
	case "INSERT", "REPLACE", "TRUNCATE", "DELETE", "LOCK", "UNLOCK", "START", "BEGIN", "COMMIT", "":
	default:
		v.keep(q)
	}
	if p.Definer != "" && !v.definers[p.Definer] {
		v.definers[p.Definer] = true
		user, host := splitAccount(p.Definer)
		c.Definers = append(c.Definers, user+"@"+host)
	}
	own := p.Own()
	switch p.Verb {
	case "SET":
		v.set(p, q)
	case "USE":
		v.current = own.Name
		v.schema(own.Name)
	case "INSERT", "REPLACE":
		v.insert(p, q)
	case "CREATE":
		v.create(p)
	case "DROP":
		v.drop(p)
	case "TRUNCATE", "DELETE":
		v.empty(p)
	case "CHANGE", "STOP", "FLUSH", "ANALYZE", "OPTIMIZE":
		if !needless(p) {
			v.outside(q, q.SQL)
		}
	case "ALTER", "LOCK", "UNLOCK", "START", "BEGIN", "COMMIT", "SELECT", "DO", "":
	default:
		v.outside(q, q.SQL)
	}
}

// mostDefinitions is how many bytes of definitions are kept of one dump.
const mostDefinitions = 64 << 20

// keep keeps a statement for a rehearsal.
func (v *inspection) keep(q sqlscan.Statement) {
	c := v.contents
	if v.kept += len(q.SQL); v.kept > mostDefinitions {
		c.Definitions, c.Unkept = nil, true
		return
	}
	c.Definitions = append(c.Definitions, backup.DumpStatement{Line: q.Line, SQL: bytes.Clone(q.SQL)})
}

// insert counts the rows of an INSERT or REPLACE.
func (v *inspection) insert(p *sqlscan.Parsed, q sqlscan.Statement) {
	if v.temps[p.Own().Name] {
		return
	}
	t := v.table(p.Own())
	list, plain := sqlscan.Rows(q.SQL, p.Tokens[max(p.Len()-1, 0)].End, p.Mode, -1, nil)
	rows := int64(list.Count)
	t.Rows += rows
	t.Bytes += int64(len(q.SQL))
	if qualified := p.Own().Qualified() && t.Rows == rows; !plain || qualified {
		v.keep(q) // a load may refuse it
	}
	if !plain || list.Updates || merges(p) {
		t.Inexact = true
	}
}

// drop forgets the tables of a DROP: what is inserted before it is gone.
func (v *inspection) drop(p *sqlscan.Parsed) {
	if name := p.Own().Name; p.Kind == "DATABASE" && !slices.Contains(v.contents.Drops, name) {
		v.contents.Drops = append(v.contents.Drops, name)
	}
	if p.Kind != "TABLE" {
		return
	}
	for _, r := range p.Refs {
		if v.temps[r.Name] {
			delete(v.temps, r.Name)
			continue
		}
		s := v.schema(v.in(r))
		s.Tables = slices.DeleteFunc(s.Tables, func(t backup.DumpTable) bool { return t.Name == r.Name })
	}
}

// empty forgets the rows of a table that the dump empties.
func (v *inspection) empty(p *sqlscan.Parsed) {
	if len(p.Refs) == 0 || v.temps[p.Own().Name] {
		return
	}
	t := v.table(p.Own())
	t.Rows, t.Bytes = 0, 0
	t.Inexact = p.Verb == "DELETE" && p.Body != p.Len()
}

func (v *inspection) create(p *sqlscan.Parsed) {
	own := p.Own()
	switch p.Kind {
	case "DATABASE":
		v.schema(own.Name)
	case "TABLE":
		if p.Temporary {
			v.temps[own.Name] = true
			return
		}
		v.table(own)
	case "INDEX":
	default:
		s := v.schema(v.in(own))
		o := backup.Object{Database: s.Name, Kind: strings.ToLower(p.Kind), Name: own.Name, Definer: p.Definer}
		if p.Kind == "TRIGGER" {
			o.Table = p.Refs[1].Name
		}
		if !slices.ContainsFunc(s.Objects, func(x backup.Object) bool { return x.Kind == o.Kind && x.Name == o.Name }) {
			s.Objects = append(s.Objects, o)
		}
		if p.Kind == "VIEW" { // in old dumps its placeholder was a table
			s.Tables = slices.DeleteFunc(s.Tables, func(t backup.DumpTable) bool { return t.Name == own.Name })
		}
	}
}

func (v *inspection) set(p *sqlscan.Parsed, q sqlscan.Statement) {
	list, ok := assignments(p)
	for _, a := range list {
		if a.scope == "GLOBAL" && !slices.Contains(serverWide, a.name) || strings.HasPrefix(a.scope, "PERSIST") {
			v.outside(q, q.SQL)
		}
		v.settings.follow(p, a)
	}
	if !ok {
		v.outside(q, q.SQL)
	}
}

func (v *inspection) outside(q sqlscan.Statement, text []byte) {
	if len(v.contents.Outside) < 100 {
		v.contents.Outside = append(v.contents.Outside, fmt.Sprintf("line %d: %s", q.Line, firstWords(string(text))))
	}
}

func (v *inspection) in(r sqlscan.Ref) string {
	if r.Qualified() {
		return r.Schema
	}
	return v.current
}

func (v *inspection) schema(name string) *backup.DumpSchema {
	c := v.contents
	for i := range c.Schemas {
		if c.Schemas[i].Name == name {
			return &c.Schemas[i]
		}
	}
	c.Schemas = append(c.Schemas, backup.DumpSchema{Name: name})
	return &c.Schemas[len(c.Schemas)-1]
}

func (v *inspection) table(r sqlscan.Ref) *backup.DumpTable {
	s := v.schema(v.in(r))
	for i := range s.Tables {
		if s.Tables[i].Name == r.Name {
			return &s.Tables[i]
		}
	}
	s.Tables = append(s.Tables, backup.DumpTable{Name: r.Name})
	return &s.Tables[len(s.Tables)-1]
}

// finish evaluates the head and the tail of the dump.
func (v *inspection) finish(e *edges) {
	c := v.contents
	c.RawBytes = e.n
	c.Complete = e.complete()
	if m := firstLine.FindSubmatch(e.head); m != nil {
		c.Tool = string(m[1])
	}
	if m := hostLine.FindSubmatch(e.head); m != nil {
		c.Database = string(m[1]) + string(m[2])
	}
	if m := lastLine.FindSubmatch(e.tail); m != nil && len(m[1]) > 0 {
		c.Completed, _ = time.ParseInLocation(
			"2006-01-02 15:04:05",
			strings.Join(strings.Fields(string(m[1])), " "),
			time.Local,
		)
	}
}
