// Package rescue puts one table of a backup beside the live one: it loads the
// table into a scratch schema, compares the two by their key, and merges chosen
// rows into the live table. The live table is never loaded into; only Merge
// writes to it, and never deletes.
package rescue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lang"
	"opsdeck/internal/spelling"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Job is a table to rescue.
type Job struct {
	Target     mysql.Target
	Path       string // of the backup
	Live       string // the schema of the live table
	From       string // the database in the backup; "" is the live one's name, else its first
	Table      string
	Identities []age.Identity
	Jobs       int
	Keep       bool // leave the scratch schema at Close
	Report     func(ops.Progress)
	Now        func() time.Time
}

// The scratch schemas: those that go at the end, and those to be kept.
const (
	prefix     = doctor.RescueScratch
	keptPrefix = doctor.RescueScratch + "kept_"
)

var scratchName = regexp.MustCompile(`^` + prefix + `\d{8}_\d{6}_\d{3}$`)

// dropTime is how long the scratch schema may take to go, after Ctrl-C too.
const dropTime = 5 * time.Minute

// Session is a table of a backup, loaded beside the live one. Close it.
type Session struct {
	Job
	Scratch string              // the schema that holds the backup's table
	Common  restore.RescueTable // the columns that are compared
	Skipped []string            // columns of the backup that the live table no longer has
	Notes   []lang.Msg          // where the two definitions differ, and schemas of killed runs that were dropped

	db      *sql.DB
	conn    *sql.Conn // holds the lock on the scratch schema
	made    bool
	backup  *schema.Table
	live    *schema.Table
	columns [2][]schema.Column // in the order of Common: the backup's and the live ones
}

// Open loads the table into a scratch schema. What it refuses it refuses before
// anything is written: a table that is not there, or that has no key.
func Open(ctx context.Context, j Job) (s *Session, err error) {
	if j.Now == nil {
		j.Now = time.Now
	}
	s = &Session{Job: j}
	if s.db, err = rowread.Open(ctx, j.Target, ""); err != nil {
		return nil, err
	}
	if err = s.open(ctx); err != nil {
		return nil, errors.Join(mysql.Explain(s.refused(ctx, err), j.Target), s.drop())
	}
	return s, nil
}

// refused explains an error that a missing privilege on the scratch databases causes.
func (s *Session) refused(ctx context.Context, err error) error {
	switch mysql.Number(err) {
	case mysql.ErrDBAccessDenied, mysql.ErrTableAccessDenied:
	default:
		return err
	}
	account, asked := mysql.NewAccount(ctx, s.conn)
	lacks := account.Lacks(doctor.Rescue, doctor.Places{})
	if asked != nil || len(lacks) == 0 {
		return err
	}
	return ops.Wrap(err, ops.Config, lacks[0].What).WithHint(lang.M("as an administrator: %s", lacks[0].Fix))
}

func (s *Session) open(ctx context.Context) (err error) {
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if s.live, err = s.table(ctx, s.Live); err != nil {
		return err
	}
	if s.live != nil && s.live.Key == nil {
		return noKey(s.live)
	}
	src, err := load.Open(s.Path, s.Identities...)
	if err != nil {
		return err
	}
	defer src.Close()
	if s.live == nil {
		return s.absent(src.Manifest)
	}
	if m := src.Manifest; m != nil && len(m.Members) > 0 &&
		!slices.ContainsFunc(m.Tables, func(t backup.Table) bool { return t.Name == s.Table }) {
		return ops.E(ops.Usage, lang.M("the backup does not contain the table %s", s.Table))
	}
	if err := s.claim(ctx); err != nil {
		return err
	}
	s.made = true
	_, err = load.Run(
		ctx,
		s.Target,
		src,
		load.Options{Schema: s.Scratch, From: s.from(src.Manifest), Tables: []string{s.Table}, Jobs: s.Jobs,
			Definer: load.DefinerCurrent, SkipOthers: true, Report: s.Report},
	)
	if err != nil {
		return err
	}
	if s.backup, err = s.table(ctx, s.Scratch); err != nil {
		return err
	}
	if s.backup == nil {
		return ops.E(ops.Usage, lang.M("the backup does not contain the table %s", s.Table))
	}
	if err := s.match(); err != nil {
		return err
	}
	return s.noteTriggers(ctx)
}

// absent is the error about a table that is not in the live database: the backup has it, or its
// name is misspelt. m is nil where the backup has no list of its tables.
func (s *Session) absent(m *backup.Manifest) error {
	var held []string
	if m != nil {
		for _, t := range m.Tables {
			held = append(held, t.Name)
		}
	}
	if m == nil || slices.Contains(held, s.Table) {
		return ops.E(ops.Failed, lang.M("the database %s has no table %s to compare with", s.Live, s.Table)).
			WithHint(lang.M("restore a missing table with: opsdeck restore --tables %s", s.Table))
	}
	err := ops.E(ops.Usage, lang.M("neither the database %s nor the backup has a table %s", s.Live, s.Table))
	if near := spelling.Nearest(s.Table, held); near != "" {
		return err.WithHint(lang.M("did you mean %q?", near))
	}
	return err.WithHint(lang.M("the tables of the backup: %s", lang.List(held)))
}

// noteTriggers says that a merge sets off the live table's triggers.
func (s *Session) noteTriggers(ctx context.Context) error {
	n, err := schema.All(
		ctx,
		s.conn,
		"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE "+
			"= ? AND EVENT_MANIPULATION <> 'DELETE'",
		s.Live,
		s.Table,
	)
	if err == nil && len(n) > 0 {
		s.Notes = append(s.Notes, lang.M("%d triggers of %s run for each row that is merged", len(n), s.Table))
	}
	return err
}

func noKey(t *schema.Table) error {
	what := lang.M("the table %s has no primary key: its rows cannot be compared", t.Name)
	if strings.EqualFold(t.Engine, "MEMORY") {
		what = lang.M("the table %s has no key of type BTREE (MEMORY makes HASH keys): its rows cannot be compared",
			t.Name)
	}
	return ops.E(ops.Usage, what).
		WithHint(lang.M("load it into another database and check it yourself: opsdeck restore --tables %s --to "+
			"SCHEMA", t.Name))
}

// table reads a table's definition; nil when there is none.
func (s *Session) table(ctx context.Context, database string) (*schema.Table, error) {
	tables, err := schema.Tables(ctx, s.conn, database, s.Table)
	var none *schema.NoTableError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return tables[0], nil
}

// claim finds a schema that is not there and tells other runs, by a lock that
// goes with the connection, that it is in use.
func (s *Session) claim(ctx context.Context) error {
	name := prefix
	if s.Keep {
		name = keptPrefix
	}
	s.Scratch = name + strings.ReplaceAll(s.Now().UTC().Format("20060102_150405.000"), ".", "_")
	if err := mysql.RefuseNoRoom(ctx, s.conn, s.Target); err != nil {
		return err
	}
	there, err := schema.All(
		ctx,
		s.conn,
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
		s.Scratch,
	)
	if err != nil {
		return err
	}
	got, err := schema.One(ctx, s.conn, "SELECT GET_LOCK(?, 0)", s.Scratch)
	if err != nil {
		return err
	}
	if len(there) > 0 || got != "1" {
		return ops.E(ops.Busy, lang.M("the scratch database %s already exists", s.Scratch)).
			WithHint(lang.M("run it again"))
	}
	return s.sweep(ctx)
}

// sweep drops what runs left that were killed.
func (s *Session) sweep(ctx context.Context) error {
	rows, err := schema.All(
		ctx,
		s.conn,
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ?",
		strings.ReplaceAll(prefix, "_", `\_`)+"%",
	)
	if err != nil {
		return err
	}
	for _, r := range rows {
		free, err := schema.One(ctx, s.conn, "SELECT IS_FREE_LOCK(?)", r[0])
		if err != nil || free != "1" || !scratchName.MatchString(r[0]) {
			continue
		}
		if err := mysql.DropDatabase(ctx, s.conn, r[0]); err != nil {
			return err
		}
		s.Notes = append(s.Notes, lang.M("dropped %s, left by a run that was killed", r[0]))
	}
	return nil
}

// from is the database to take out of the backup.
func (s *Session) from(m *backup.Manifest) string {
	if s.From == "" && m != nil && slices.Contains(m.Databases, s.Live) {
		return s.Live
	}
	return s.From
}

// match finds what the two definitions have in common.
func (s *Session) match() error {
	for _, c := range s.backup.Stored(false) {
		l := s.live.Column(c.Name)
		if l == nil || l.Generated || l.Period {
			s.Skipped = append(s.Skipped, c.Name)
			s.Notes = append(s.Notes, lang.M("the live table no longer has the column %s: its values are neither "+
				"compared nor merged; --keep-scratch keeps them", c.Name))
			continue
		}
		if c.Type != l.Type || c.Charset != l.Charset {
			s.Notes = append(
				s.Notes,
				lang.M("the column %s was %s in the backup and is %s now", c.Name, c.Type, l.Type),
			)
		}
		s.columns[0], s.columns[1] = append(s.columns[0], c), append(s.columns[1], *l)
		s.Common.Columns = append(s.Common.Columns, common(c, *l))
	}
	for _, l := range s.live.Stored(false) {
		if s.backup.Column(l.Name) == nil {
			s.Notes = append(
				s.Notes,
				lang.M(
					"the backup has no column %s: the column keeps its value, and a restored row gets its default",
					l.Name,
				),
			)
		}
	}
	return s.matchKey()
}

func (s *Session) matchKey() error {
	for _, name := range s.live.Key {
		i := slices.IndexFunc(s.Common.Columns, func(c restore.RescueColumn) bool { return c.Name == name })
		if i < 0 || !sameKind(s.columns[0][i], s.columns[1][i]) {
			return ops.E(ops.Failed, lang.M("the key column %s of %s differs in the backup: the rows cannot be "+
				"compared", name, s.Table)).
				WithHint(lang.M("load it into another database and check it yourself: opsdeck restore --tables %s "+
					"--to SCHEMA", s.Table))
		}
		s.Common.Key = append(s.Common.Key, i)
	}
	if !slices.Equal(s.backup.Key, s.live.Key) {
		s.Notes = append(
			s.Notes,
			lang.M("the table's key in the backup (%s) differs from the live one", strings.Join(s.backup.Key, ", ")),
		)
	}
	return nil
}

// sameKind tells whether the values of two columns sort alike.
func sameKind(a, b schema.Column) bool {
	return a.Form == b.Form && (a.Form != schema.FormRaw && a.Form != schema.FormWide || a.Charset == b.Charset)
}

// common is how the values of a column that both tables have are compared.
func common(a, b schema.Column) restore.RescueColumn {
	c := restore.RescueColumn{
		Name:   a.Name,
		Binary: a.Form == schema.FormBinary || a.Form == schema.FormRaw || a.Form == schema.FormWide,
	}
	switch {
	case a.Form == schema.FormNumber && b.Form == schema.FormNumber:
		c.Order = restore.OrderNumber
	case a.Form == schema.FormFloat && b.Form == schema.FormFloat:
		c.Order = restore.OrderFloat
	}
	return c
}

// Key names the columns that tell the rows apart.
func (s *Session) Key() []string { return s.live.Key }

// Close drops the scratch schema, unless it is to be kept.
func (s *Session) Close() error {
	if s.Keep {
		s.made = false
	}
	return s.drop()
}

func (s *Session) drop() (err error) {
	if s.made {
		ctx, cancel := context.WithTimeout(context.Background(), dropTime)
		defer cancel()
		if err = mysql.DropDatabase(ctx, s.db, s.Scratch); err != nil {
			err = ops.Wrap(err, ops.Failed, lang.M("the scratch database %s still exists", s.Scratch)).
				WithHint(lang.M("drop it by hand: DROP DATABASE `%s`", s.Scratch))
		}
	}
	if s.conn != nil {
		s.conn.Close()
	}
	if e := s.db.Close(); err == nil && e != nil {
		err = fmt.Errorf("close the connections: %w", e)
	}
	return err
}
