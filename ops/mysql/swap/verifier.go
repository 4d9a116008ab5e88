package swap

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// verifier compares what was loaded with the manifest, table by table. It starts during
// the load, with the completely loaded tables, over one connection; Verify finishes it
// over several. Nobody writes to a table after it was loaded: the database is this
// restore's alone, or the service is stopped.
type verifier struct {
	s       *Verification
	p       *restore.Plan
	ctx     context.Context // for all of its queries
	cancel  context.CancelFunc
	begin   time.Time
	workers sync.WaitGroup

	opening sync.Mutex
	db      *sql.DB
	known   map[string]*schema.Table
	version string           // server version
	after   map[string]int64 // row counts after a replay, by table; nil before one
	cascade map[string]bool  // tables with cascaded deletes that are not logged
	warm    bool             // it is a standby, whose rows were compared before
	proven  map[string]bool  // its tables without writes since that comparison
	reading sync.Once
	read    *backup.Manifest // see manifest

	mu        sync.Mutex
	hired     int             // number of running workers
	waiting   []string        // tables to check
	looked    map[string]bool // tables that are being or were checked
	late      bool            // the load has finished: failures are now errors
	failed    error
	report    run.Report // nil while the load reports
	rows      int64
	blind     error                 // why CHECK TABLE is not available
	unchecked []string              // tables whose engine has no check
	held      []backup.TableVerdict // of a dump without a manifest; nil if it could not be read
	v         run.Verdict
	// Tables of a manifest without their checksums: with as many rows, and with none in
	// both.
	unsummed, none int
}

func newVerifier(s *Verification, p *restore.Plan) *verifier {
	v := &verifier{s: s, p: p, looked: map[string]bool{}, begin: time.Now()}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

// Verification verifies what was loaded.
type Verification struct {
	*link
	jobs    int // connections; 0 is 2
	folder  func(id string) run.Folder
	loader  Loader
	log     Log
	current *verifier // of the load that is running, or has just ended
}

// folderOf is the folder of a plan's run; without a path where there is none.
func (c *Verification) folderOf(p *restore.Plan) run.Folder {
	if c.folder == nil {
		return run.Folder{}
	}
	return c.folder(p.ID)
}

// foresee prepares the verification of a load that is about to start, and returns the
// function to call for each completely loaded table.
func (c *Verification) foresee(p *restore.Plan) func(table string) {
	c.forget()
	c.current = newVerifier(c, p)
	return c.current.whole
}

// forget ends a verification that nobody will ask for.
func (c *Verification) forget() {
	c.current.end()
	c.current = nil
}

// end stops the workers, and waits for them.
func (v *verifier) end() {
	if v == nil {
		return
	}
	v.cancel()
	v.workers.Wait()
	if v.db != nil {
		v.db.Close()
	}
}

// whole records that a table can be checked, and makes sure that a worker is running.
func (v *verifier) whole(table string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.inScope(table) {
		return
	}
	v.waiting = append(v.waiting, table)
	if v.hired == 0 {
		v.startWorker()
	}
}

// startWorker starts a worker; the caller holds the lock.
func (v *verifier) startWorker() {
	v.hired++
	v.workers.Go(v.work)
}

// open opens the connections, once.
func (v *verifier) open(ctx context.Context) (*sql.DB, error) {
	v.opening.Lock()
	defer v.opening.Unlock()
	if v.db != nil {
		return v.db, nil
	}
	db, err := rowread.Open(ctx, v.s.Target, v.p.Loaded())
	if err == nil {
		v.db = db
	}
	return db, err
}

// rest checks all remaining tables, the largest first, and returns when all are done.
func (v *verifier) rest(ctx context.Context, names []string, report run.Report) error {
	v.mu.Lock()
	v.late, v.report = true, report
	if n := len(v.looked); n > 0 {
		v.v.Notes = append(
			v.v.Notes,
			restore.N(lang.M("verified while other tables were still loading: %s tables", fmt.Sprint(n))),
		)
	}
	for _, n := range names {
		if v.inScope(n) && !v.looked[n] && !v.proven[n] && !slices.Contains(v.waiting, n) {
			v.waiting = append(v.waiting, n)
		}
	}
	slices.SortStableFunc(v.waiting, func(a, b string) int { return int(min(1, max(-1, v.size(b)-v.size(a)))) })
	for v.hired < min(v.jobs(), len(v.waiting)) {
		v.startWorker()
	}
	v.mu.Unlock()
	v.workers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return v.failed
}

func (v *verifier) jobs() int {
	if v.s.jobs > 0 {
		return v.s.jobs
	}
	return 2
}

func (v *verifier) size(table string) int64 {
	src, _ := v.p.Source.Table(table)
	return src.Bytes + src.Rows
}

// work is a worker: it checks tables until there are none left.
func (v *verifier) work() {
	table := ""
	err := func() error {
		c, err := v.conn()
		if err != nil {
			return err
		}
		defer c.Close()
		for table = v.next(); table != ""; table = v.next() {
			if err := v.table(c, table); err != nil {
				return fmt.Errorf("read %s: %w", table, err)
			}
		}
		return nil
	}()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hired--
	if err == nil {
		if len(v.waiting) > 0 && v.hired == 0 && v.failed == nil { // a table arrived as this worker ended
			v.startWorker()
		}
		return
	}
	delete(v.looked, table)
	if v.late && v.failed == nil {
		v.failed = err
		v.cancel()
	}
}

func (v *verifier) conn() (*sql.Conn, error) {
	db, err := v.open(v.ctx)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(v.ctx)
	if err != nil {
		return nil, err
	}
	if err := checksum.Session(v.ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// next is the next table, or empty.
func (v *verifier) next() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.waiting) == 0 || v.failed != nil {
		return ""
	}
	table := v.waiting[0]
	v.waiting = v.waiting[1:]
	v.looked[table] = true
	return table
}

// table counts and checksums a table, and makes the server check it.
func (v *verifier) table(c *sql.Conn, name string) error {
	t, err := v.definition(c, name)
	if err != nil {
		return err
	}
	if t.Sequence {
		return v.sequence(c, t)
	}
	var last int64
	want := v.want(name)
	compare := load.CompareRows
	if v.warm {
		compare = countRows
	}
	verdict, err := compare(v.ctx, c, t, want, func(n int64) { v.progress(name, n-last); last = n })
	if err != nil {
		return err
	}
	v.progress(name, verdict.Rows-last)
	if verdict.Definition, err = load.CompareDefinition(v.ctx, c, t, want, v.p.Loaded(), want.Database); err != nil {
		return err
	}
	check, err := load.CheckTable(v.ctx, c, v.p.Loaded(), name, true)
	if v.ctx.Err() != nil {
		return v.ctx.Err()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil { // a server without CHECK TABLE is reported; it is no fault of the data
		v.blind = err
	}
	if check.Unsupported && t.OwnRows() {
		v.unchecked = append(v.unchecked, name)
	}
	v.judge(verdict, t.OwnRows())
	v.judgeDefinition(verdict)
	for _, b := range check.Complaints {
		if !t.OwnRows() { // it refers to tables or servers elsewhere
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("CHECK TABLE %s: %s", name, b)))
			continue
		}
		v.v.Doubts = append(v.v.Doubts, restore.N(lang.M("CHECK TABLE %s: %s", name, b)))
	}
	return nil
}

// definition is a table's definition; all are read when the first is needed: a load
// creates all tables before the first row.
func (v *verifier) definition(c *sql.Conn, name string) (*schema.Table, error) {
	v.opening.Lock()
	defer v.opening.Unlock()
	if t := v.known[name]; t != nil {
		return t, nil
	}
	list, err := schema.Tables(v.ctx, c, v.p.Loaded())
	if err != nil {
		return nil, err
	}
	if v.version, err = schema.One(v.ctx, c, "SELECT VERSION()"); err != nil {
		return nil, err
	}
	v.known = map[string]*schema.Table{}
	for _, t := range list {
		v.known[t.Name] = t
	}
	if v.known[name] == nil {
		return nil, &schema.NoTableError{Name: name}
	}
	return v.known[name], nil
}

// want is what a table should hold: the manifest's entry, or the rows that the replay counted.
func (v *verifier) want(name string) backup.Table {
	src, _ := v.p.Source.Table(name)
	want := backup.Table{Name: name, Rows: src.Rows, Checksum: src.Checksum, Engine: src.Engine}
	if m := v.manifest(); m != nil {
		for _, t := range m.Tables {
			if t.Name == name && (t.Database == v.p.Source.Database || len(m.Databases) == 1) {
				want.History = t.History
				want.DefinitionHash = t.DefinitionHash
				want.Database = t.Database
			}
		}
	}
	if v.after != nil { // the replay's count began with the manifest's, which may include history
		return backup.Table{Name: name, Rows: max(v.after[name], 0), History: want.History}
	}
	return want
}

// manifest is the backup's manifest, read once; nil if there is none.
func (v *verifier) manifest() *backup.Manifest {
	v.reading.Do(func() {
		if v.p.Source.Manifest {
			v.read, _ = backup.ReadManifest(v.p.Source.Path)
		}
	})
	return v.read
}

// sequence compares a MariaDB sequence, which is not a table in the manifest.
func (v *verifier) sequence(c *sql.Conn, t *schema.Table) error {
	m := v.manifest()
	if m == nil || v.after != nil {
		return nil
	}
	for _, o := range m.Objects {
		if o.Kind != "sequence" || o.Name != t.Name || o.Database != v.p.Source.Database && len(m.Databases) > 1 {
			continue
		}
		state, err := load.CompareSequence(v.ctx, c, t, o)
		if err != nil {
			return err
		}
		if state == backup.Differs {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.doubt(lang.M("the sequence %s differs from the backup", t.Name))
		}
		return nil
	}
	return nil
}

// judge records the verdict on a table; the caller holds the lock.
func (v *verifier) judge(d backup.TableVerdict, own bool) {
	if v.after != nil {
		v.judgeCount(d, own)
		return
	}
	src, known := v.p.Source.Table(d.Name)
	out := restore.TableRows{Table: d.Name, Rows: d.Rows, Want: -1, Checksum: d.Checksum, State: "uncounted"}
	if known && v.p.Source.Manifest && own {
		out.Want, out.State = d.WantRows, "ok"
		switch {
		case d.State == backup.Unchecked && src.Checksum == "" && d.Rows > 0:
			v.unsummed++
		case d.State == backup.Unchecked: // the manifest's 0 may mean not counted
			out.Want = -1
			out.State = "uncounted"
			if src.Checksum == "" && d.Rows == 0 && d.WantRows == 0 {
				v.none++
			}
		case d.State != backup.Differs:
		case d.Rows != d.WantRows:
			out.State = "differs"
			v.doubt(lang.M("%s has %s rows, the backup %s", d.Name, human.Count(d.Rows), human.Count(d.WantRows)))
		default:
			out.State = "differs"
			v.doubt(lang.M("%s has as many rows as the backup, but their contents differ", d.Name))
		}
	}
	v.v.Tables = append(v.v.Tables, out)
}

// judgeDefinition records whether a table is defined as in the backup; the caller holds
// the lock. Another server version prints the same definition differently.
func (v *verifier) judgeDefinition(d backup.TableVerdict) {
	m := v.manifest()
	switch {
	case d.Definition != backup.Differs:
	case v.p.Assessment.Substitutes(d.Name): // the plan said so
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("the table %s has another engine than in the backup", d.Name)))
	case m != nil && m.Server.Version == v.version:
		v.doubt(lang.M("the table %s is not defined as in the backup", d.Name))
	default:
		v.v.Notes = append(
			v.v.Notes,
			restore.N(
				lang.M("the server writes the definition of %s differently from %s", d.Name, m.Server.Version),
			),
		)
	}
}

func (v *verifier) progress(table string, rows int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows += rows
	if v.report != nil {
		v.report(
			ops.Progress{
				Phase:   "verify",
				Object:  table,
				Done:    v.rows,
				Total:   v.p.Source.Rows(),
				Unit:    "rows",
				Rows:    v.rows,
				Elapsed: time.Since(v.begin),
			},
		)
	}
}
