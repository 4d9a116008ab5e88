package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// deferFrom is the size in bytes from which a table gets its secondary keys after its
// rows; tests make it small.
var deferFrom int64 = 8 << 20

const commitBytes = 24 << 20 // bytes of text per transaction, if the members are smaller

// step is a member with definitions: its statements, judged and rewritten.
type step struct {
	member     int
	object     string
	kind       string // of the object
	statements []verdict
}

// table is one table of the plan.
type table struct {
	step
	create   *sqlscan.Table // nil for a sequence
	without  []byte         // its CREATE without the deferred keys
	deferred []sqlscan.Key
	convert  *converter // nil: INSERT only
	plain    bool       // its engine has no transactions: load all rows or none
	single   bool       // one loader at a time
	members  []int      // of its rows
	bytes    int64
	rows     int64
	how      string
	lastRow  int64 // of a foreign dump: the statement with its last rows
}

// plan is what a load of an opsdeck backup does; it is complete before anything runs.
type plan struct {
	from    string
	header  []verdict
	tables  []*table
	objects []step
	options string // of the schema
	bytes   int64
	guard   *guard
	refused []Uncreatable // what the guard refuses, where a load without it is wanted
}

// plan reads all definitions of a backup, checks their hashes and judges every
// statement.
func (s *session) plan(ctx context.Context, src *Source) (*plan, error) {
	m := src.Manifest
	p := &plan{from: s.o.From}
	if p.from == "" {
		p.from = m.Databases[0]
	}
	if !slices.Contains(m.Databases, p.from) {
		return nil, NoDatabase(p.from, true)
	}
	if err := missingTables(m, p.from, s.o.Tables); err != nil {
		return nil, err
	}
	p.guard = s.guard()
	p.guard.from = p.from
	p.guard.skipping = false
	p.guard.others = false
	p.guard.unfired = true // a backup's triggers are created after all rows
	u := newUnpacker(src)
	defer u.close()
	for i, mem := range m.Members {
		if mem.Database != "" && mem.Database != p.from || !s.wanted(m, mem) {
			continue
		}
		if mem.Kind == backup.MemberRows {
			if p.refuses("table", mem.Object) {
				continue
			}
			if err := p.addRows(i, mem); err != nil {
				return nil, err
			}
			continue
		}
		text, err := u.member(ctx, nil, mem)
		if err != nil {
			return nil, err
		}
		before := p.guard.settings.copy()
		err = p.add(i, mem, text)
		if s.lenient && Refused(err) && (mem.Kind == backup.MemberTable || mem.Kind == backup.MemberObject) {
			p.guard.settings = before
			p.refuse(mem, refusalOf(err))
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	s.shape(p)
	return p, nil
}

// refuse notes a definition that the guard refuses.
func (p *plan) refuse(mem backup.Member, why lang.Msg) {
	kind := strings.TrimSuffix(mem.ObjectKind, "-placeholder")
	if mem.Kind == backup.MemberTable {
		kind = "table"
	}
	if !p.refuses(kind, mem.Object) {
		p.refused = append(p.refused, Uncreatable{Kind: kind, Name: mem.Object, Why: why.String(), Unread: true})
	}
}

func (p *plan) refuses(kind, name string) bool {
	return slices.ContainsFunc(p.refused, func(u Uncreatable) bool { return u.Kind == kind && u.Name == name })
}

func missingTables(m *backup.Manifest, from string, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(m.Tables, func(t backup.Table) bool { return t.Database == from && t.Name == n }) {
			return ops.E(ops.Usage, lang.M("the backup does not contain the table %s", n))
		}
	}
	return nil
}

// wanted tells whether a member was asked for.
func (s *session) wanted(m *backup.Manifest, mem backup.Member) bool {
	if s.o.leavesOut(mem) {
		return false
	}
	if len(s.o.Tables) == 0 || mem.Kind == backup.MemberHeader || mem.Kind == backup.MemberDatabase {
		return true
	}
	if mem.Kind == backup.MemberTable || mem.Kind == backup.MemberRows {
		return slices.Contains(s.o.Tables, mem.Object)
	}
	return slices.ContainsFunc(m.Objects, func(o backup.Object) bool {
		return o.Kind == "trigger" && o.Kind == mem.ObjectKind && o.Database == mem.Database && o.Name == mem.Object &&
			slices.Contains(s.o.Tables, o.Table)
	})
}

// leavesOut tells whether a member is of an object that is left out.
func (o Options) leavesOut(mem backup.Member) bool {
	switch mem.Kind {
	case backup.MemberTable, backup.MemberRows:
		return slices.Contains(o.Without, "table "+mem.Object) || slices.Contains(o.Without, "sequence "+mem.Object)
	case backup.MemberObject:
		return slices.Contains(o.Without, strings.TrimSuffix(mem.ObjectKind, "-placeholder")+" "+mem.Object)
	}
	return false
}

func (p *plan) addRows(i int, mem backup.Member) error {
	at := slices.IndexFunc(p.tables, func(t *table) bool { return t.object == mem.Object })
	if at < 0 {
		return damage(mem, "rows before the table's definition")
	}
	t := p.tables[at]
	t.members = append(t.members, i)
	t.bytes += mem.RawLength
	t.rows += mem.Rows
	p.bytes += mem.RawLength
	return nil
}

func (p *plan) add(i int, mem backup.Member, text []byte) error {
	st := step{member: i, object: mem.Object, kind: mem.ObjectKind}
	var err error
	if st.statements, err = p.guard.all(text, fmt.Sprintf("%s %s", mem.Kind, mem.Object)); err != nil {
		return err
	}
	switch mem.Kind {
	case backup.MemberHeader:
		p.header = st.statements
	case backup.MemberDatabase:
		p.options = p.guard.options
	case backup.MemberTable:
		return p.addTable(st, mem)
	case backup.MemberObject:
		p.objects = append(p.objects, st)
	}
	return nil
}

// all judges the statements of a text.
func (g *guard) all(text []byte, where string) ([]verdict, error) {
	sp := sqlscan.NewSplitter(bytes.NewReader(text), sqlscan.Limits{})
	var list []verdict
	for {
		sp.SetMode(g.settings.mode)
		st, err := sp.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, refuse(where, lang.M("opsdeck cannot parse the statement: %s", err.Error()))
		}
		v, err := g.judge(bytes.Clone(st.SQL), where)
		if err != nil {
			return nil, err
		}
		if v.action != skip {
			list = append(list, v)
		}
	}
}

func (p *plan) addTable(st step, mem backup.Member) error {
	t := &table{step: st}
	for _, v := range st.statements {
		if v.parsed.Verb == "CREATE" && body(v.parsed) { // rows for a view would go elsewhere
			return damage(mem, "not a table: %s", firstWords(string(v.sql)))
		}
		if v.parsed.Verb == "CREATE" && v.parsed.Kind == "TABLE" {
			create, err := sqlscan.ParseTable(v.sql, v.parsed.Mode)
			if err != nil {
				return err
			}
			t.create = create
			t.plain = !transactional(create.Options["ENGINE"])
		}
	}
	p.tables = append(p.tables, t)
	return nil
}

func transactional(engine string) bool {
	switch strings.ToLower(engine) {
	case "innodb", "rocksdb", "tokudb", "":
		return true
	}
	return false
}

// shape decides for each table how its rows and indexes are loaded.
func (s *session) shape(p *plan) {
	creates := map[string]*sqlscan.Table{}
	for _, t := range p.tables {
		if t.create != nil {
			creates[t.object] = t.create
		}
	}
	referenced := references(creates)
	for _, t := range p.tables {
		if t.create == nil {
			continue
		}
		counter := slices.ContainsFunc(t.create.Columns, func(c sqlscan.Column) bool { return c.AutoInc })
		t.convert = newConverter(t.create)
		t.single = s.oneLoader && counter || t.plain
		if s.o.NoDefer || t.bytes < deferFrom {
			continue
		}
		t.putOff(referenced, false)
	}
}

// addKeys returns the statement that adds the deferred keys.
func (t *table) addKeys() string {
	add := make([]string, len(t.deferred))
	for i, k := range t.deferred {
		add[i] = "ADD " + k.SQL
	}
	return "ALTER TABLE " + schema.Ident(t.object) + " " + strings.Join(add, ", ")
}

// jobs splits a table's rows into the pieces that are committed together.
func (t *table) jobs(m *backup.Manifest, most int64, done func(member int) bool) (jobs [][]int) {
	var job []int
	var size int64
	for _, i := range t.members {
		if done(i) {
			continue
		}
		if len(job) > 0 && (size+m.Members[i].RawLength > most || job[len(job)-1] != i-1) && !t.plain {
			jobs = append(jobs, job)
			job = nil
			size = 0
		}
		job = append(job, i)
		size += m.Members[i].RawLength
	}
	if len(job) > 0 {
		jobs = append(jobs, job)
	}
	return jobs
}
