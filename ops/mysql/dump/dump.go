package dump

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/schema"
)

// dumper is one running dump.
type dumper struct {
	*pipeline
	opts   Options
	target mysql.Target
	file   *file
	gate   *gate
	maria  bool
	now    func() time.Time
	names  *names
	notes  []string          // warnings of this dump
	unable map[string]string // what a load cannot create, as kind and quoted name: why
	xa     []string          // XA transactions that were prepared before the snapshot
}

// Run dumps to the file path and writes path.manifest.json next to it. At the end both
// exist, complete and durable, or neither. If the name exists, it returns fs.ErrExist.
// Server errors are *ops.Error. With opts.Out the backup is written there, path is only
// its name, and the caller stores the manifest.
func Run(ctx context.Context, target mysql.Target, opts Options, path string) (*backup.Manifest, error) {
	d := &dumper{opts: opts, target: target, now: opts.Now, unable: map[string]string{}}
	d.defaults()
	m, err := d.dump(ctx, path)
	if err != nil {
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			err = ops.Wrap(ctx.Err(), ops.Interrupted, lang.M("the backup was interrupted; no file was kept"))
		case ctx.Err() != nil:
			err = ctx.Err()
		}
		return nil, d.explain(err)
	}
	return m, nil
}

func (d *dumper) defaults() {
	if d.now == nil {
		d.now = time.Now
	}
	if d.opts.Jobs == 0 {
		d.opts.Jobs = 2
	}
	d.opts.Jobs = max(1, min(d.opts.Jobs, runtime.NumCPU()))
	if d.opts.Compress == "" {
		d.opts.Compress = "gzip"
	}
	if d.opts.LockWait <= 0 {
		d.opts.LockWait = defaultLockWait
	}
	if d.opts.Kind == "" {
		d.opts.Kind = backup.KindManual
	}
	d.gate = &gate{rate: d.opts.BytesRate, report: d.opts.Report, since: time.Now()}
}

func (d *dumper) explain(err error) error {
	var known *ops.Error
	var none *schema.NoTableError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &none):
		return ops.E(ops.Usage, lang.M("there is no table %s", none.Name))
	case mysql.Number(err) == mysql.ErrTableDefChanged || mysql.Number(err) == mysql.ErrNoSuchTable:
		return changedError("", err)
	case mysql.Number(err) == mysql.ErrLockWaitTimeout:
		return ops.Wrap(err, ops.Busy, lang.M("another session held a lock that the backup needs for longer than "+
			"%s", d.opts.LockWait.String())).
			WithHint(lang.M("see who holds it with SHOW PROCESSLIST, or wait longer with --lock-wait"))
	case mysql.Number(err) != 0 || mysql.Lost(err):
		return mysql.Explain(err, d.target)
	}
	return err
}

func changedError(what string, cause error) error {
	return ops.Wrap(cause, ops.Busy, lang.M("the definition of %s changed during the dump; the backup would be "+
		"inconsistent", orSome(what))).
		WithHint(lang.M("run it again when no migration is running"))
}

func orSome(what string) string {
	if what == "" {
		return "a table"
	}
	return what
}

func (d *dumper) dump(ctx context.Context, path string) (*backup.Manifest, error) {
	m := &backup.Manifest{
		FormatVersion: backup.ManifestVersion,
		Machine:       machine(),
		Tool:          d.opts.Tool,
		Engine:        "native",
		Kind:          d.opts.Kind,
		File:          filepath.Base(path),
		StartedAt:     d.now(),
		Compression:   d.opts.Compress,
		Where:         d.opts.Where,
		NoData:        d.opts.NoData,
		Doubt:         d.opts.Doubt,
		Partial:       len(d.opts.Tables) > 0 || d.opts.Where != "",
	}
	db, control, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	defer control.Close()
	db.SetMaxIdleConns(-1)
	if m.Server, err = describeServer(ctx, control, d.maria); err != nil {
		return nil, err
	}
	if err := mysql.RefuseBlocked(ctx, control, d.target); err != nil {
		return nil, err
	}
	d.gate.step("ddl", "")
	release, err := d.holdDefinitions(ctx, db)
	if err != nil {
		return nil, err
	}
	defer release()
	d.xa = prepared(ctx, control)
	inv, snap, err := d.begin(ctx, db, control)
	if err != nil {
		return nil, err
	}
	defer snap.close()
	m.SnapshotAt = snap.at
	m.Consistency = snap.how
	m.Position = snap.position
	m.Sources = snap.sources
	if f := d.opts.Former; f != nil { // the current binlog position concerns the tables that replaced them
		m.SnapshotAt = f.At
		m.Position = backup.Position{}
		m.Sources = nil
		inv.warnings = append(inv.warnings, f.Warnings...)
	}
	d.markLog(ctx, m)
	return m, d.write(ctx, control, inv, snap, m, path)
}

// markWait is the longest time that reading the first event of the binlog takes.
const markWait = 10 * time.Second

// markLog records which file of that name the binlog position is in. Without the privilege to
// read the binlog it is not recorded.
func (d *dumper) markLog(ctx context.Context, m *backup.Manifest) {
	if m.Position.File == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, markWait)
	defer cancel()
	m.Position.Log, _ = binarchive.LogIdentity(ctx, d.target, m.Position.File)
}

// attempts is the number of tries of a dump if definitions change between the first read
// and the snapshot.
const attempts = 3

// begin takes the inventory and opens the snapshot, so that both have the same state.
func (d *dumper) begin(ctx context.Context, db *sql.DB, control *sql.Conn) (*inventory, *snapshot, error) {
	inv, err := d.takeInventory(ctx, control)
	if err != nil {
		return nil, nil, err
	}
	var moved error
	for range attempts {
		if d.names, err = d.newNames(ctx, db, control, inv.databases); err != nil {
			return nil, nil, err
		}
		snap, err := d.openSnapshot(ctx, db, control, inv)
		d.names.close()
		if err != nil {
			return nil, nil, err
		}
		again, err := d.takeInventory(ctx, control)
		if err != nil {
			snap.close()
			return nil, nil, err
		}
		if changed := inv.differs(again, true); changed != "" {
			moved = changedError(changed, nil)
		} else if moved = d.names.check(ctx, control); moved == nil {
			return again, snap, nil
		}
		snap.close()
		inv = again
	}
	return nil, nil, moved
}

func (d *dumper) openSnapshot(ctx context.Context, db *sql.DB, control *sql.Conn, inv *inventory) (*snapshot, error) {
	s := &snapshotter{control: control, now: d.now, wait: d.opts.LockWait, maria: d.maria, lockNames: d.names.lock}
	for _, db := range inv.databases {
		for _, t := range db.tables {
			s.tables = append(s.tables, t.Table)
		}
	}
	jobs := d.opts.Jobs
	if d.opts.NoData {
		jobs = 1
	}
	for range jobs {
		c, err := connect(ctx, db, d.opts.LockWait)
		if err != nil {
			closeAll(s.conns)
			return nil, err
		}
		s.conns = append(s.conns, c)
	}
	all := s.conns
	snap, err := s.open(ctx)
	if err != nil {
		closeAll(all)
	}
	return snap, err
}

func closeAll(conns []*sql.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// close ends the snapshot: the pool keeps no idle connections, and a transaction ends with
// its connection.
func (s *snapshot) close() { closeAll(s.conns) }

// write writes the file, checks that the definitions have not changed, and renames file
// and manifest to their final names.
func (d *dumper) write(
	ctx context.Context,
	control *sql.Conn,
	inv *inventory,
	snap *snapshot,
	m *backup.Manifest,
	path string,
) (err error) {
	d.pipeline = newPipeline(len(snap.conns))
	if d.file, err = createFile(path, d.opts); err != nil {
		return err
	}
	defer d.file.abort()
	stop := d.throttle(ctx, control, len(snap.conns))
	err = d.fill(ctx, inv, snap, m)
	stop()
	if err != nil {
		return err
	}
	d.gate.step("verify", "")
	if err := d.names.check(ctx, control); err != nil {
		return err
	}
	snap.close() // DDL that waited for it may run, also before the definitions of other tables are read
	after, err := d.takeInventory(ctx, control)
	if err != nil {
		return err
	}
	d.names.keep(inv, after)
	if changed := inv.differs(after, false); changed != "" {
		return changedError(changed, nil)
	}
	d.warnPrepared(ctx, control, d.xa)
	m.FinishedAt = d.now()
	d.summarise(inv, snap, m)
	d.gate.step("verify", filepath.Base(path))
	return d.commit(m, path)
}

// throttle starts watching the server's load, if configured.
func (d *dumper) throttle(ctx context.Context, control *sql.Conn, readers int) (stop func()) {
	if d.opts.Threads <= 0 {
		return func() {}
	}
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.gate.watchThreads(ctx, over, control, d.opts.Threads, readers)
	}()
	return func() {
		close(over)
		<-done
	}
}

// commit makes both files durable, then renames the backup, then its manifest.
func (d *dumper) commit(m *backup.Manifest, path string) error {
	if err := d.file.finish(m); err != nil || d.file.out == nil {
		return err
	}
	text, err := atomicfile.Create(path+backup.ManifestSuffix, 0o600)
	if err != nil {
		return err
	}
	defer text.Abort()
	sealed, err := backup.EncodeManifest(m)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if _, err := text.Write(sealed); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := text.Sync(); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := d.file.out.CommitNew(); err != nil {
		return fmt.Errorf("name %s: %w", path, err)
	}
	return text.Commit()
}

// differs names the first difference between two inventories, or "". New objects count
// only when strict: they were created after the snapshot and are not in it.
func (inv *inventory) differs(after *inventory, strict bool) string {
	was := inv.hashes()
	is := after.hashes()
	for _, what := range slices.Sorted(maps.Keys(was)) {
		if is[what] != was[what] {
			return what
		}
	}
	for _, what := range slices.Sorted(maps.Keys(is)) {
		if _, ok := was[what]; !ok && strict {
			return what
		}
	}
	return ""
}

func (inv *inventory) hashes() map[string]string {
	all := map[string]string{}
	for _, db := range inv.databases {
		all["database "+schema.Ident(db.name)] = schema.Hash(db.create)
		for _, t := range db.tables {
			all["table "+t.SQLName()] = schema.Hash(t.create)
		}
		for _, o := range db.objects {
			all[o.Kind+" "+schema.Name(o.Database, o.Name)] = o.Hash()
		}
	}
	return all
}

// summarise records in the manifest what was dumped.
func (d *dumper) summarise(inv *inventory, snap *snapshot, m *backup.Manifest) {
	m.Consistent = true
	m.Objects = d.manifestObjects(inv)
	for _, name := range inv.unseen {
		m.Unseen = append(m.Unseen, d.named(name))
	}
	m.Warnings = append(append(append([]string{}, snap.warnings...), inv.warnings...), d.notes...)
	m.Warnings = append(m.Warnings, inv.keysBeyond()...)
	for _, db := range inv.databases {
		m.Databases = append(m.Databases, d.named(db.name))
		for _, t := range db.tables {
			if t.Sequence {
				continue
			}
			entry := backup.Table{
				Database:       d.named(db.name),
				Name:           t.Name,
				Engine:         t.Engine,
				DefinitionHash: schema.Hash(t.create),
				Transactional:  t.Transactional(),
				History:        t.history,
				DefinitionOnly: t.noRows(),
				NotLoadable:    d.unable["table "+schema.Name(d.named(db.name), t.Name)],
			}
			if done := d.done[t]; done != nil {
				entry.Rows, entry.DataBytes, entry.Checksum = done.rows, done.bytes, done.sum.String()
			}
			m.Consistent = m.Consistent && (t.Transactional() || d.opts.NoData || t.noRows())
			m.Tables = append(m.Tables, entry)
		}
	}
	if engines := inv.engines(); len(engines) > 1 && !d.opts.NoData && snap.how != "timestamp" && len(snap.conns) < 2 {
		m.Consistent = false
		m.Warnings = append(m.Warnings, "tables of the engines "+strings.Join(engines, " and ")+
			" were read without a lock: transactions over several engines may be there in part")
	}
}

// engines are the transactional engines with rows; each has its own snapshot.
func (inv *inventory) engines() []string {
	var all []string
	for _, db := range inv.databases {
		for _, t := range db.tables {
			if name := strings.ToLower(t.Engine); t.Transactional() && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}
