package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// verifier compares what was loaded with the manifest, table by table.
type verifier struct {
	s      *Server
	p      *restore.Plan
	db     *sql.DB
	report restore.Report
	begin  time.Time

	mu   sync.Mutex
	v    restore.Verdict
	rows int64
}

// Verify compares tables, rows and checksums with the manifest, runs CHECK TABLE
// and the smoke test, and looks at foreign keys where the manifest cannot vouch
// for them.
func (s *Server) Verify(ctx context.Context, p *restore.Plan, report restore.Report) (restore.Verdict, error) {
	in := p.Loaded()
	db, err := rowread.Open(ctx, s.Target, in)
	if err != nil {
		return restore.Verdict{}, err
	}
	defer db.Close()
	have, err := schema.Tables(ctx, db, in)
	if err != nil {
		return restore.Verdict{}, fmt.Errorf("list the tables of %s: %w", in, err)
	}
	v := &verifier{s: s, p: p, db: db, report: report, begin: time.Now()}
	names, err := tables(ctx, db, in)
	if err != nil {
		return restore.Verdict{}, err
	}
	v.missing(names)
	if err := v.tables(ctx, v.inScope(have)); err != nil {
		return restore.Verdict{}, err
	}
	for _, check := range []func(context.Context, string) error{v.check, v.keys, v.smoke} {
		if err := check(ctx, in); err != nil {
			return restore.Verdict{}, err
		}
	}
	v.sum()
	return v.v, nil
}

// doubt notes what is not as it should be; the verbs of m are %s.
func (v *verifier) doubt(m lang.Msg) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.Doubts = append(v.v.Doubts, restore.N(m))
}

func (v *verifier) inScope(have []*schema.Table) []*schema.Table {
	if len(v.p.Tables) == 0 {
		return have
	}
	var out []*schema.Table
	for _, t := range have {
		if has(v.p.Tables, t.Name) {
			out = append(out, t)
		}
	}
	return out
}

// missing tells which tables of the manifest are not there, and which are there
// and not in it.
func (v *verifier) missing(names []string) {
	for _, want := range v.p.Coming {
		if !has(names, want) {
			src, _ := v.p.Source.Table(want)
			v.v.Tables = append(v.v.Tables, restore.TableRows{Table: want, Want: src.Rows, State: "missing"})
			v.doubt(lang.M("the table %s is missing", want))
		}
	}
	if !v.p.Source.Manifest || len(v.p.Tables) > 0 {
		return
	}
	for _, t := range names {
		if !has(v.p.Coming, t) {
			v.doubt(lang.M("the table %s is not in the backup's manifest", t))
		}
	}
	if len(names) == 0 {
		v.doubt(lang.M("nothing was loaded"))
	}
}

// tables counts and sums all tables, several at a time, the largest first.
func (v *verifier) tables(ctx context.Context, have []*schema.Table) error {
	jobs := v.s.Jobs
	if jobs <= 0 {
		jobs = 2
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, t := range v.bySize(have) {
		g.Go(func() error { return v.table(ctx, t) })
	}
	return g.Wait()
}

func (v *verifier) bySize(have []*schema.Table) []*schema.Table {
	size := func(t *schema.Table) int64 { src, _ := v.p.Source.Table(t.Name); return src.Bytes + src.Rows }
	out := append([]*schema.Table(nil), have...)
	for i := range out {
		for j := i; j > 0 && size(out[j]) > size(out[j-1]); j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func (v *verifier) table(ctx context.Context, t *schema.Table) error {
	c, err := v.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := checksum.Session(ctx, c); err != nil {
		return err
	}
	var last int64
	rows, sum, err := checksum.Table(ctx, c, t, false, func(n int64) { v.progress(t.Name, n-last); last = n })
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	v.progress(t.Name, rows-last)
	src, known := v.p.Source.Table(t.Name)
	out := restore.TableRows{Table: t.Name, Rows: rows, Want: -1, Checksum: sum.String(), State: "uncounted"}
	if known && v.p.Source.Manifest {
		out.Want, out.State = src.Rows, "ok"
		switch {
		case rows != src.Rows:
			out.State = "differs"
			v.doubt(lang.M("%s has %s rows, the backup %s", t.Name, human.Count(rows), human.Count(src.Rows)))
		case src.Checksum != "" && src.Checksum != sum.String():
			out.State = "differs"
			v.doubt(lang.M("%s has as many rows as the backup, but their contents differ", t.Name))
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.Tables = append(v.v.Tables, out)
	return nil
}

func (v *verifier) progress(table string, rows int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows += rows
	v.report(ops.Progress{Phase: "verify", Object: table, Done: v.rows, Total: v.p.Source.Rows(), Unit: "rows", Rows: v.rows, Elapsed: time.Since(v.begin)})
}

// check runs CHECK TABLE; a server without it is told, not held against the data.
func (v *verifier) check(ctx context.Context, in string) error {
	var names []string
	for _, t := range v.v.Tables {
		if t.State != "missing" {
			names = append(names, t.Table)
		}
	}
	bad, err := checkTables(ctx, v.db, in, names)
	if err != nil {
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("CHECK TABLE cannot be had here: %s", err.Error())))
		return ctx.Err()
	}
	for _, b := range bad {
		v.doubt(lang.M("CHECK TABLE %s: %s", b[0], b[1]))
	}
	return nil
}

// checkTables returns table and complaint for each table that is not well.
func checkTables(ctx context.Context, q schema.Querier, in string, names []string) (bad [][2]string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = restore.Name(in, n)
	}
	rows, err := schema.All(ctx, q, "CHECK TABLE "+strings.Join(quoted, ", ")+" QUICK")
	for _, r := range rows { // Table, Op, Msg_type, Msg_text
		if len(r) < 4 || r[2] == "note" || r[2] == "status" && (r[3] == "OK" || strings.Contains(r[3], "support")) {
			continue
		}
		bad = append(bad, [2]string{strings.TrimPrefix(r[0], in+"."), r[3]})
	}
	return bad, err
}

// keys looks for rows without their parent. The same rows as in a consistent
// backup need no such look: their checksums say it.
func (v *verifier) keys(ctx context.Context, in string) error {
	if v.p.Source.Manifest && v.p.Source.Consistent && len(v.p.Tables) == 0 {
		return nil
	}
	keys, err := foreignKeys(ctx, v.db, in)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.schema != in || k.parentSchema != in {
			continue
		}
		orphan, err := schema.All(ctx, v.db, k.orphanQuery())
		if err != nil {
			v.doubt(lang.M("the foreign key %s of %s cannot be checked: %s", k.name, k.table, err.Error()))
			continue
		}
		if len(orphan) > 0 {
			v.doubt(lang.M("%s has rows whose %s is missing (foreign key %s)", k.table, k.parent, k.name))
		}
	}
	return nil
}

func (v *verifier) smoke(ctx context.Context, in string) error {
	for _, q := range v.p.Verify.SmokeTest {
		c, err := v.db.Conn(ctx)
		if err != nil {
			return err
		}
		_, err = c.ExecContext(ctx, "USE "+restore.Name(in))
		var rows [][]string
		if err == nil {
			rows, err = schema.All(ctx, c, q)
		}
		c.Close()
		switch {
		case err != nil:
			v.doubt(lang.M("the smoke test %s fails: %s", q, err.Error()))
		case len(rows) == 0 || len(rows[0]) == 0 || rows[0][0] == "0" || rows[0][0] == "":
			v.doubt(lang.M("the smoke test %s is not true", q))
		default:
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("smoke test passed: %s", q)))
		}
	}
	return nil
}

func (v *verifier) sum() {
	var ok int
	var rows int64
	for _, t := range v.v.Tables {
		rows += t.Rows
		if t.State == "ok" {
			ok++
		}
		if has(v.p.Verify.KeyTables, t.Table) {
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("key table %s: %s rows", t.Table, human.Count(t.Rows))))
		}
	}
	for _, k := range v.p.Verify.KeyTables {
		if len(v.p.Tables) == 0 && !has(v.p.Coming, k) && v.p.Source.Manifest {
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("the key table %s is not in the backup", k)))
		}
	}
	all := fmt.Sprint(len(v.v.Tables))
	what := lang.M("%s of %s tables have the rows and checksums of the manifest", fmt.Sprint(ok), all)
	if !v.p.Source.Manifest {
		what = lang.M("the backup has no manifest to compare with: %s rows of %s tables were counted", human.Count(rows), all)
	}
	v.v.Notes = append([]restore.Note{restore.N(what)}, v.v.Notes...)
}
