// Package drill rehearses a restore: it loads a backup, or one table of it, into
// a schema of its own, checks what came, measures, and drops the schema. The
// live schema is never written: a drill begins only with a schema that is not
// there yet, and the loader refuses whatever would land outside of it.
package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// Job is a drill to be done.
type Job struct {
	Target     mysql.Target
	Path       string // of the backup
	Live       string // the schema that the backup is of; never touched
	From       string // the database in the backup; "" is its first
	Table      string // this one alone; "" is everything
	Schema     string // a new database of this name; "" is a scratch one
	Identities []age.Identity
	Jobs       int
	Report     func(ops.Progress)
	Now        func() time.Time

	free func(context.Context, *sql.Conn, mysql.Target) (int64, bool) // of the server's disk; tests make it small
}

// prefix begins the names of scratch schemas.
const prefix = doctor.DrillScratch

var scratchName = regexp.MustCompile(`^` + prefix + `\d{8}_\d{6}$`)

// dropTime is how long the scratch schema may take to go, after a drill that was
// stopped too.
const dropTime = 5 * time.Minute

// Run does a drill. What it found, good or bad, is in the record, which is
// complete but for the operator and the service; the error is for a drill that
// could not begin (no room, no rights, a name that is taken), or was stopped:
// then nothing is worth recording.
func Run(ctx context.Context, j Job) (backup.Drill, error) {
	if j.Now == nil {
		j.Now = time.Now
	}
	if j.free == nil {
		j.free = freeOf
	}
	d := &drill{Job: j, start: time.Now()}
	d.record = backup.Drill{
		At:       j.Now(),
		Database: j.Live,
		Scenario: backup.WholeDatabase,
		Table:    j.Table,
		Result:   backup.Failed,
	}
	if err := d.begin(ctx); err != nil {
		return d.record, err
	}
	defer d.close()
	work := mysql.WhileRoom(ctx, d.db, d.Target, d.work)
	d.server = d.describe(ctx)
	drop := d.drop()
	d.record.TookMS = time.Since(d.start).Milliseconds()
	if ctx.Err() != nil {
		return d.record, errors.Join(ctx.Err(), drop)
	}
	if refused(work) {
		return d.record, errors.Join(notAllowed(work, d.Schema), drop)
	}
	if err := d.circumstance(errors.Join(work, drop)); err != nil {
		return d.record, err
	}
	if err := d.unable(work); err != nil {
		return d.record, errors.Join(err, drop)
	}
	d.judge(work, drop)
	return d.record, nil
}

// circumstance is an error where the drill ended for what says nothing of the backup.
func (d *drill) circumstance(err error) error {
	if by := mysql.ReadOnlyBy(err); by != "" {
		what, hint := doctor.ReadOnly(by)
		return ops.E(ops.Failed,
			lang.M("the drill could not run: %s; this does not mean that the backup is bad", what)).
			WithHint(lang.M("%s; or use another server with backup.drill_server", hint))
	}
	if mysql.Number(err) == errPacket {
		return ops.Wrap(err, ops.Failed,
			lang.M("the drill was interrupted; this does not mean that the backup is bad: %s",
				lang.M("a statement of the dump is longer than the server accepts"))).
			WithHint(lang.M("raise max_allowed_packet on the server"))
	}
	if !mysql.Circumstance(err) {
		return nil
	}
	var known *ops.Error
	said := mysql.Explain(err, d.Target)
	if !errors.As(said, &known) {
		known = ops.E(ops.Failed, lang.Raw(said.Error()))
	}
	return ops.Wrap(err, known.Code,
		lang.M("the drill was interrupted; this does not mean that the backup is bad: %s", known.What)).
		WithHint(known.Hint)
}

// refused tells whether the server did not let this user, or anybody, do what a drill
// does: that says nothing about the backup.
func refused(err error) bool {
	if mysql.ReadOnlyBy(err) != "" {
		return false // no privilege helps
	}
	switch mysql.Number(err) {
	case mysql.ErrDBAccessDenied,
		mysql.ErrAccessDenied,
		mysql.ErrTableAccessDenied,
		mysql.ErrSpecificAccess,
		errColumnAccess,
		errRoutineAccess,
		mysql.ErrOptionReadOnly, // secure_file_priv, say
		errUntrusted:
		return true
	}
	return false
}

// Numbers of the server's refusals that have no name elsewhere.
const (
	errColumnAccess  = 1143
	errPacket        = 1153 // a packet longer than max_allowed_packet
	errRoutineAccess = 1370
	errUntrusted     = 1419 // functions while the binary log is on
)

func notAllowed(err error, schema string) error {
	if mysql.Number(err) == errUntrusted {
		return ops.Wrap(err, ops.Failed,
			lang.M("the drill could not run: %s; this does not mean that the backup is bad",
				doctor.NoCreators())).
			WithHint(lang.M("set log_bin_trust_function_creators on the server (opsdeck doctor prints the " +
				"statement), or use another server with backup.drill_server"))
	}
	return ops.Wrap(err, ops.Failed, lang.M("the drill could not run: this user lacks privileges in %s; this does "+
		"not mean that the backup is bad", schema)).
		WithHint(lang.M("list the needed privileges: opsdeck doctor; or use another server with backup.drill_server"))
}

// ScratchSchema is a name like those of the schemas that drills make.
func ScratchSchema() string { return prefix + "20000101_000000" }

type drill struct {
	Job
	start  time.Time
	db     *sql.DB
	conn   *sql.Conn
	src    *load.Source
	record backup.Drill
	held   []backup.TableVerdict // of a dump without manifest
	made   bool
	faults []lang.Msg
	notes  []lang.Msg
	spared []string      // objects that the load left out
	server backup.Server // flavour and version, after the load
}

// begin makes sure that the drill can be done before anything is.
func (d *drill) begin(ctx context.Context) (err error) {
	switch {
	case d.Table != "":
		d.record.Scenario = backup.SingleTable
	case d.Schema != "":
		d.record.Scenario = backup.NewDatabase
	}
	if d.Schema == "" {
		d.Schema = prefix + d.Now().UTC().Format("20060102_150405")
	}
	d.record.Target = d.Schema
	if strings.EqualFold(d.Schema, d.Live) || utf8.RuneCountInString(d.Schema) > schema.NameLimit {
		return ops.E(
			ops.Usage,
			lang.M("a drill needs a separate database with a name of at most 64 characters, not %q", d.Schema),
		)
	}
	if d.src, err = load.Open(d.Path, d.Identities...); err != nil {
		return err
	}
	if m := d.src.Manifest; d.Table != "" && m != nil &&
		!slices.ContainsFunc(m.Tables, func(t backup.Table) bool { return t.Name == d.Table }) {
		d.src.Close()
		return ops.E(ops.Usage, lang.M("the backup does not contain the table %s", d.Table))
	}
	if d.db, err = mysql.Open(ctx, d.Target, ""); err != nil {
		d.src.Close()
		return err
	}
	if err = d.prepare(ctx); err != nil {
		d.close()
	}
	return err
}

func (d *drill) prepare(ctx context.Context) (err error) {
	if d.conn, err = d.db.Conn(ctx); err != nil {
		return mysql.Explain(err, d.Target)
	}
	there, err := schema.All(
		ctx,
		d.conn,
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
		d.Schema,
	)
	if err != nil {
		return mysql.Explain(err, d.Target)
	}
	if len(there) > 0 {
		return ops.E(ops.Usage, lang.M("the database %s already exists: a drill loads only into a new one", d.Schema))
	}
	if err := d.room(ctx); err != nil {
		return err
	}
	if err := mysql.RefuseNoRoom(ctx, d.conn, d.Target); err != nil {
		return err
	}
	// The lock tells other drills that this schema is in use; it goes with the
	// connection, however the drill ends.
	got, err := schema.One(ctx, d.conn, "SELECT GET_LOCK(?, 0)", d.Schema)
	if err != nil {
		return mysql.Explain(err, d.Target)
	}
	if got != "1" {
		return ops.E(ops.Busy, lang.M("another drill is loading into %s", d.Schema)).
			WithHint(lang.M("wait until it ends, or name another database with --into"))
	}
	return d.sweep(ctx)
}

func (d *drill) close() {
	d.src.Close()
	if d.conn != nil {
		d.conn.Close()
	}
	d.db.Close()
}

// sweep drops the scratch schemas of drills that were killed.
func (d *drill) sweep(ctx context.Context) error {
	names, err := schema.All(
		ctx,
		d.conn,
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ?",
		strings.ReplaceAll(prefix, "_", `\_`)+"%",
	)
	if err != nil {
		return mysql.Explain(err, d.Target)
	}
	for _, row := range names {
		name := row[0]
		free, err := schema.One(ctx, d.conn, "SELECT IS_FREE_LOCK(?)", name)
		if err != nil || free != "1" || !scratchName.MatchString(name) {
			continue
		}
		if err := mysql.DropDatabase(ctx, d.conn, name); err != nil {
			return mysql.Explain(err, d.Target)
		}
		d.notes = append(d.notes, lang.M("dropped %s, left by a drill that was killed", name))
	}
	return nil
}

// work loads and checks.
func (d *drill) work(ctx context.Context) error {
	d.made = true // from here on the schema may be there
	var tables []string
	if d.Table != "" {
		tables = []string{d.Table}
	}
	begin := time.Now()
	report, err := load.Run(
		ctx,
		d.Target,
		d.src,
		load.Options{Schema: d.Schema, From: d.from(), Tables: tables, Jobs: d.Jobs, Without: d.leftOut(), Spare: true,
			Definer: load.DefinerCurrent, SkipOthers: true, Report: d.Report},
	)
	d.record.RestoreMS = time.Since(begin).Milliseconds()
	if report != nil {
		d.record.Rows = report.Rows
		d.record.RawBytes = report.RawBytes
		d.record.Tables = len(report.Tables)
	}
	d.measure()
	if load.Refused(err) {
		return d.unread(err)
	}
	if err != nil {
		return err
	}
	for _, n := range report.Notes {
		if n.Kind == backup.NoteUnread {
			d.spared = append(d.spared, n.Object)
			d.notes = append(d.notes, lang.M("left out, a restore cannot create it: %s (%s)", n.Object, n.Detail))
		}
	}
	return d.integrity(ctx)
}

// from is the database to take out of the backup.
func (d *drill) from() string {
	if d.From != "" || d.src.Manifest == nil {
		return d.From
	}
	for _, db := range d.src.Manifest.Databases {
		if db == d.Live {
			return db
		}
	}
	return ""
}

// measure is how much of the file was read: of one table only its own members.
func (d *drill) measure() {
	m := d.src.Manifest
	if m == nil {
		d.record.SizeBytes = fileSize(d.Path)
		return
	}
	d.record.SizeBytes = m.SizeBytes
	if d.Table == "" || len(m.Members) == 0 {
		return
	}
	d.record.SizeBytes = 0
	for _, x := range m.Members {
		if x.Object == d.Table && (x.Kind == backup.MemberTable || x.Kind == backup.MemberRows) {
			d.record.SizeBytes += x.Length
		}
	}
}

// drop removes the schema, also when the drill was stopped.
func (d *drill) drop() error {
	if !d.made {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), dropTime)
	defer cancel()
	err := mysql.DropDatabase(ctx, d.db, d.Schema)
	if err != nil {
		return fmt.Errorf("drop %s: %w", d.Schema, err)
	}
	return nil
}

// judge writes the result and the remark.
func (d *drill) judge(work, drop error) {
	if work != nil {
		d.faults = append([]lang.Msg{said(work)}, d.faults...)
	}
	if drop != nil {
		d.faults = append(d.faults, lang.M("the scratch database is still there: %s", said(drop)))
	}
	if len(d.faults) == 0 {
		d.record.Result = backup.Passed
	}
	remark := lang.BothBy(func(p *lang.Printer) string {
		var parts []string
		for _, m := range append(slices.Clone(d.faults), d.notes...) {
			parts = append(parts, p.Msg(m))
		}
		return strings.Join(parts, "; ")
	})
	d.record.Remark, d.record.RemarkZH = remark.EN, remark.ZH
}

// said is an error as a sentence in either language.
func said(err error) lang.Msg {
	var e *ops.Error
	if errors.As(err, &e) {
		return lang.M("%s", e)
	}
	return lang.Raw(err.Error())
}

// room refuses a drill that would fill the disk of the server's data, where
// that is on this machine.
func (d *drill) room(ctx context.Context) error {
	free, ok := d.free(ctx, d.conn, d.Target)
	need := d.needs()
	if !ok || need == 0 || free > need {
		return nil
	}
	return ops.E(ops.Failed,
		lang.M("the drill needs about %s on the server's disk, %s are free", human.Bytes(need), human.Bytes(free))).
		WithHint(lang.M("free some space, drill one table with --table, or use another server with " +
			"backup.drill_server"))
}

// needs is about how much a loaded copy takes: half as much again as its text,
// and a tenth of that to spare.
func (d *drill) needs() int64 {
	raw := int64(0)
	if m := d.src.Manifest; m != nil {
		for _, x := range m.Members {
			if d.Table == "" || x.Object == d.Table {
				raw += x.RawLength
			}
		}
		raw = max(raw, zeroIf(d.Table != "", m.RawBytes))
	} else {
		raw = fileSize(d.Path) * 8
	}
	return raw * 165 / 100
}

func zeroIf(is bool, n int64) int64 {
	if is {
		return 0
	}
	return n
}
