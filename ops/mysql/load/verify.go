package load

import (
	"context"
	"database/sql"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// VerifyOptions select what to compare.
type VerifyOptions struct {
	Schema string   // where the copy is
	From   string   // the database in the manifest; "": its first
	Tables []string // only these tables; empty: everything
	// Without are objects that were left out, as in Options; they are not compared.
	Without []string
	Jobs    int // connections; 0 is the number of cores, at least 2
	Report  func(ops.Progress)
}

// Verify compares a schema with a manifest: rows and checksum of each table, and the
// definitions of tables and objects. It only reads. Differences are in the report; the
// error is for what could not be read.
func Verify(
	ctx context.Context,
	target mysql.Target,
	m *backup.Manifest,
	o VerifyOptions,
) (*backup.VerifyReport, error) {
	if o.From == "" {
		o.From = m.Databases[0]
	}
	if o.Jobs <= 0 {
		o.Jobs = max(2, runtime.NumCPU())
	}
	db, err := rowread.Open(ctx, target, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxIdleConns(0)
	begin := time.Now()
	v := &verifier{o: o, m: m, db: db, report: &backup.VerifyReport{Schema: o.Schema}}
	if err := v.all(ctx); err != nil {
		return nil, explain(ctx, err, target)
	}
	v.report.DurationMS = time.Since(begin).Milliseconds()
	return v.report, nil
}

type verifier struct {
	o      VerifyOptions
	m      *backup.Manifest
	db     *sql.DB
	report *backup.VerifyReport
	meter  *meter
}

func (v *verifier) conn(ctx context.Context) (*sql.Conn, error) {
	c, err := v.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err = checksum.Session(ctx, c); err == nil {
		for _, set := range []string{"SQL_QUOTE_SHOW_CREATE = 1", "net_write_timeout = 3600", "wait_timeout = 86400",
			"max_execution_time = 0",
			"max_statement_time = 0", "show_gipk_in_create_table_and_information_schema = ON"} {
			if _, e := c.ExecContext(ctx, "SET SESSION "+set); e != nil && !optional(e) {
				err = e
			}
		}
	}
	if err == nil {
		err = exec(ctx, c, "USE "+schema.Ident(v.o.Schema))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (v *verifier) all(ctx context.Context) error {
	c, err := v.conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	there, err := schema.Tables(ctx, c, v.o.Schema)
	if err != nil {
		return err
	}
	jobs := v.plan(there)
	if err := v.tables(ctx, jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		v.report.Tables = append(v.report.Tables, j.verdict)
		v.report.Rows += j.verdict.Rows
	}
	if err := v.objects(ctx, c, there); err != nil {
		return err
	}
	v.report.Good = v.good()
	v.meter.phase("done", "")
	return nil
}

// check is one table to compare.
type check struct {
	want    backup.Table
	there   *schema.Table // nil: missing
	verdict backup.TableVerdict
}

func (v *verifier) picked(table string) bool {
	return len(v.o.Tables) == 0 || slices.Contains(v.o.Tables, table)
}

func (v *verifier) plan(there []*schema.Table) (jobs []*check) {
	var rows int64
	known := map[string]bool{ProgressTable: true}
	for _, want := range v.m.Tables {
		if want.Database != v.o.From || !v.picked(want.Name) {
			continue
		}
		known[want.Name] = true
		j := &check{want: want}
		if i := slices.IndexFunc(there, func(t *schema.Table) bool {
			return t.Name == want.Name &&
				!t.Sequence
		}); i >= 0 {
			j.there = there[i]
		}
		rows += want.Rows
		jobs = append(jobs, j)
	}
	for _, t := range there {
		if !known[t.Name] && !t.Sequence && len(v.o.Tables) == 0 && !v.m.Partial {
			jobs = append(jobs, &check{there: t})
		}
	}
	v.meter = newMeter(v.o.Report, "verify", "rows", rows)
	return jobs
}

// tables compares the largest tables first, over several connections.
func (v *verifier) tables(ctx context.Context, jobs []*check) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	order := slices.Clone(jobs)
	slices.SortStableFunc(
		order,
		func(a, b *check) int { return int(min(1, max(-1, b.want.DataBytes-a.want.DataBytes))) },
	)
	next := make(chan *check, len(order))
	for _, j := range order {
		next <- j
	}
	close(next)
	var wg sync.WaitGroup
	for range min(v.o.Jobs, max(1, len(order))) {
		wg.Go(func() {
			c, err := v.conn(ctx)
			if err != nil {
				cancel(err)
				return
			}
			defer c.Close()
			for j := range next {
				if err := v.table(ctx, c, j); err != nil {
					cancel(wrap("verify "+j.want.Name, err))
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (v *verifier) table(ctx context.Context, c *sql.Conn, j *check) error {
	d := &j.verdict
	*d = backup.TableVerdict{
		Name:         j.want.Name,
		State:        backup.Same,
		WantRows:     j.want.Rows,
		WantChecksum: j.want.Checksum,
		Definition:   backup.Unchecked,
	}
	switch {
	case j.there == nil:
		d.State = backup.Missing
		return nil
	case j.want.Name == "":
		d.Name, d.State = j.there.Name, backup.Extra
		return nil
	}
	var last int64
	verdict, err := CompareRows(ctx, c, j.there, j.want, func(n int64) {
		v.meter.add(j.want.Name, n-last, n-last)
		last = n
	})
	if err != nil {
		return err
	}
	*d = verdict
	v.meter.add(j.want.Name, d.Rows-last, d.Rows-last)
	if err := v.definition(ctx, c, j); err != nil {
		return err
	}
	if d.State != backup.Differs && d.Definition == backup.Differs {
		d.State, d.Detail = backup.Differs, "definition"
	}
	return nil
}

func (v *verifier) definition(ctx context.Context, c *sql.Conn, j *check) error {
	if j.want.DefinitionHash == "" {
		return nil
	}
	var err error
	j.verdict.Definition, err = CompareDefinition(ctx, c, j.there, j.want, v.o.Schema, v.o.From)
	return err
}

// original returns a definition as it was where the backup was made: with the old
// schema's name and the given definer. Without quote, names keep the quotes that they have.
func original(create, mode, definer, in, from string, quote func(string) string) string {
	p, err := sqlscan.Parse([]byte(create), sqlscan.ModeOf(mode))
	if err != nil {
		return create
	}
	var edits []sqlscan.Edit
	for _, r := range p.Refs {
		if r.Schema != in {
			continue
		}
		name := p.Quoted(r.First, from)
		if quote != nil {
			name = quote(from)
		}
		edits = append(edits, p.Requalify(r, name))
	}
	if definer != "" && p.Definer != "" {
		as := func(name string) string { return p.Quoted(p.DefinerFirst+2, name) }
		if p.Text.Kind(p.DefinerFirst+2) != sqlscan.Ident {
			as = schema.Ident
		}
		edits = append(edits, p.Redefine(definerSQL(definer, as)))
	}
	return string(sqlscan.Apply([]byte(create), edits))
}

// definerSQL is a definer as the server writes it. A role of MariaDB has no host.
func definerSQL(definer string, quote func(string) string) string {
	user, host := splitAccount(definer)
	if host == "" || !strings.Contains(definer, "@") {
		return quote(user)
	}
	return quote(user) + "@" + quote(host)
}

// objects compares everything other than tables.
func (v *verifier) objects(ctx context.Context, c *sql.Conn, tables []*schema.Table) error {
	there, err := schema.Objects(ctx, c, v.o.Schema)
	if err != nil {
		return err
	}
	for _, want := range v.m.Objects {
		if want.Database != v.o.From || len(v.o.Tables) > 0 && (want.Kind != "trigger" || !v.picked(want.Table)) {
			continue
		}
		if slices.Contains(v.o.Without, want.Kind+" "+want.Name) {
			continue
		}
		d := backup.ObjectVerdict{Kind: want.Kind, Name: want.Name, State: backup.Missing}
		if want.Kind == "sequence" {
			err = v.sequence(ctx, c, want, tables, &d)
		} else if i := slices.IndexFunc(there, func(o *schema.Object) bool {
			return o.Kind == want.Kind &&
				o.Name == want.Name
		}); i >= 0 {
			err = v.object(ctx, c, want, there[i], &d)
		}
		if err != nil {
			return wrap("verify "+want.Kind+" "+want.Name, err)
		}
		v.report.Objects = append(v.report.Objects, d)
	}
	return nil
}

func (v *verifier) sequence(
	ctx context.Context,
	c *sql.Conn,
	want backup.Object,
	tables []*schema.Table,
	d *backup.ObjectVerdict,
) error {
	for _, t := range tables {
		if !t.Sequence || t.Name != want.Name {
			continue
		}
		var err error
		if d.State, err = CompareSequence(ctx, c, t, want); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) object(
	ctx context.Context,
	c *sql.Conn,
	want backup.Object,
	o *schema.Object,
	d *backup.ObjectVerdict,
) error {
	if err := o.ReadDefinition(ctx, c); err != nil {
		return err
	}
	same, definer := SameObject(o, want, v.o.Schema, v.o.From)
	if !same && o.Kind == "view" {
		var err error
		if same, definer, err = v.qualified(ctx, c, want, *o); err != nil {
			return err
		}
	}
	if definer {
		d.Detail = "belongs to " + o.Definer + ", not to " + want.Definer
	}
	d.State = state(same, want.DefinitionHash)
	return nil
}

// qualified compares a view with its columns qualified, as the server shows it from another
// database, and its tables not: so MariaDB showed it if its definer did not exist.
func (v *verifier) qualified(
	ctx context.Context,
	c *sql.Conn,
	want backup.Object,
	o schema.Object,
) (same, definer bool, err error) {
	if err := exec(ctx, c, "USE information_schema"); err != nil {
		return false, false, err
	}
	err = o.ReadDefinition(ctx, c)
	if back := exec(ctx, c, "USE "+schema.Ident(v.o.Schema)); err == nil {
		err = back
	}
	if err != nil {
		return false, false, err
	}
	p, err := sqlscan.Parse([]byte(o.Create), sqlscan.ModeOf(o.SQLMode))
	if err != nil {
		return false, false, nil
	}
	var edits []sqlscan.Edit
	for _, r := range p.Refs {
		if r.Schema == v.o.Schema && !p.Is(r.Last+1, ".") { // a table, no column
			edits = append(edits, sqlscan.Edit{Start: p.Tokens[r.First].Start, End: p.Tokens[r.Last].Start})
		}
	}
	o.Create = strings.ReplaceAll(string(sqlscan.Apply(p.SQL, edits)), schema.Ident(v.o.Schema)+".",
		schema.Ident(v.o.From)+".")
	same, definer = SameObject(&o, want, v.o.From, v.o.From)
	return same, definer, nil
}

// SameObject tells whether an object of the schema in is defined as want, which is of
// the schema from. definer is true when only the definer differs.
func SameObject(o *schema.Object, want backup.Object, in, from string) (same, definer bool) {
	if o.Hash() == want.DefinitionHash {
		return true, false
	}
	// The load keeps the quotes of a schema's name, but where an unquoted one could be a reserved
	// word it writes backticks; an early version always did.
	for _, quote := range []func(string) string{nil, schema.Ident, bare} {
		as := *o
		as.Create = original(o.Create, o.SQLMode, "", in, from, quote)
		if as.Hash() == want.DefinitionHash {
			return true, false
		}
		if want.Definer == "" || want.Definer == o.Definer {
			continue
		}
		as.Create = original(o.Create, o.SQLMode, want.Definer, in, from, quote)
		if as.Hash() == want.DefinitionHash {
			return true, true
		}
	}
	if once := schema.Ungarbled(o.Create); o.Kind == "view" && once != o.Create {
		as := *o
		as.Create = once
		return SameObject(&as, want, in, from)
	}
	return false, false
}

func bare(name string) string { return name }

func state(same bool, want string) string {
	switch {
	case want == "":
		return backup.Unchecked
	case same:
		return backup.Same
	}
	return backup.Differs
}

func (v *verifier) good() bool {
	for _, t := range v.report.Tables {
		if t.State != backup.Same && t.State != backup.Unchecked {
			return false
		}
	}
	for _, o := range v.report.Objects {
		if o.State != backup.Same && o.State != backup.Unchecked {
			return false
		}
	}
	return true
}
