package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/unpack"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

const errEmptyQuery = 1065

// foreign loads a dump that another tool made. It reads the dump twice: first to judge
// every statement, then to run them.
func (s *session) foreign(ctx context.Context, src *Source) error {
	if src.Manifest != nil && s.o.From == "" && src.Manifest.Databases[0] != s.o.Schema {
		s.o.From = src.Manifest.Databases[0]
	}
	sum, err := src.proven(ctx)
	if err != nil {
		return err
	}
	s.meter = newMeter(s.o.Report, "check", "bytes", 2*src.size)
	seen, err := s.check(ctx, src)
	if err != nil {
		return err
	}
	if err := s.definers(ctx, seen.guard.definers); err != nil {
		return err
	}
	if err := s.makeSchema(ctx, seen.guard.options); err != nil {
		return err
	}
	j, err := s.begin(ctx, identity(s.o, sum, s.o.From, strconv.Itoa(s.cut())), seen.makes)
	if err != nil {
		return err
	}
	s.report.Resumed = j.resumed
	s.meter.phase("rows", "")
	return s.replay(ctx, src, seen.lateKeys(s), seen.makes, j)
}

// stream is one pass over a foreign dump.
type stream struct {
	s     *session
	guard *guard
	conn  *sql.Conn
	split *sqlscan.Splitter
	text  io.ReadCloser
	ends  *edges
	makes map[string]bool // "table x", "trigger y" …
	known map[string]*sighting
	views []kept // views that need views which come later
	later []kept // triggers

	order []string // tables
	clear bool     // objects of the dump may exist, from an earlier attempt

	statements int64
	line       int // of the current statement
}

func (s *session) stream(ctx context.Context, src *Source, conn *sql.Conn) (*stream, error) {
	text, err := src.counted(func(n int64) { s.meter.add("", n, 0) })
	if err != nil {
		return nil, damaged(err)
	}
	ends := &edges{r: text}
	limits := sqlscan.Limits{Cut: s.cut(), Max: s.packet}
	st := &stream{s: s, guard: s.guard(), conn: conn, split: sqlscan.NewSplitter(ends, limits), text: text, ends: ends,
		makes: map[string]bool{}, known: map[string]*sighting{}}
	if err := st.follow(ctx); err != nil {
		text.Close()
		return nil, err
	}
	return st, nil
}

// follow asks the server for the sql_mode in which it reads the following statements.
func (st *stream) follow(ctx context.Context) error {
	mode, err := schema.One(ctx, st.conn, "SELECT @@SESSION.sql_mode")
	if err != nil {
		return err
	}
	wide := st.guard.settings.mode.Wide
	st.guard.settings.mode = sqlscan.ModeOf(mode)
	st.guard.settings.mode.Wide = wide
	st.guard.settings.vars["sql_mode"] = mode
	return nil
}

// cut is the length, in bytes, above which an INSERT is split.
func (s *session) cut() int { return min(4<<20, s.packet/2) }

func damaged(err error) error {
	var known *ops.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, unpack.ErrSeveral) {
		return severalFiles(err)
	}
	return ops.Wrap(err, ops.Failed, lang.M("the backup is damaged"))
}

// check reads the whole dump. It runs only the SET statements, on a separate connection.
func (s *session) check(ctx context.Context, src *Source) (*stream, error) {
	scratch, err := s.foreignConn(ctx)
	if err != nil {
		return nil, err
	}
	defer scratch.Close()
	st, err := s.stream(ctx, src, scratch)
	if err != nil {
		return nil, err
	}
	defer st.text.Close()
	err = st.each(ctx, func(v verdict) error {
		if v.action == settle {
			return st.settle(ctx, v)
		}
		if v.action != skip {
			st.note(v)
		}
		return nil
	})
	switch {
	case err != nil:
	case st.statements == 0:
		err = ops.E(ops.Failed, lang.M("the dump is empty"))
	case st.guard.strayed && !st.guard.entered && len(st.makes) == 0:
		err = NoDatabase(s.o.From, st.ends.complete())
		if held := st.guard.held; len(held) > 0 && st.ends.complete() {
			err = NoDatabase(s.o.From, true).WithHint(lang.M("it contains %s: choose one of these with --from-schema",
				strings.Join(held, ", ")))
		}
	case !st.ends.complete():
		err = ops.E(ops.Failed, lang.M("the dump is truncated: its end is missing"))
	}
	return st, err
}

// NoDatabase says that a dump contains nothing of a database. whole is false when the
// dump is incomplete, so that the missing part could contain it.
func NoDatabase(name string, whole bool) *ops.Error {
	if whole {
		return ops.E(ops.Usage, lang.M("the backup does not contain the database %s", name))
	}
	return ops.E(ops.Failed,
		lang.M("the dump is truncated, and the rest of it does not contain the database %s", name)).
		WithHint(lang.M("use a complete dump"))
}

// foreignConn opens a connection as the mysql client does, with the server's own time
// zone and strictness: the dump sets others when it needs them.
func (s *session) foreignConn(ctx context.Context) (*sql.Conn, error) {
	c, err := s.conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := exec(ctx, c, "SET SESSION time_zone = DEFAULT, SESSION sql_mode = DEFAULT"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// each judges the statements in order and passes each verdict to do.
func (st *stream) each(ctx context.Context, do func(verdict) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		st.split.SetMode(st.guard.settings.mode)
		q, err := st.split.Next()
		where := fmt.Sprintf("line %d", q.Line)
		st.line = q.Line
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, sqlscan.ErrTooLong):
			return ops.Wrap(err, ops.Failed, lang.M("a statement of the dump is longer than the server accepts")).
				WithHint(lang.M("raise max_allowed_packet on the server"))
		case errors.Is(err, sqlscan.ErrOpen):
			return damaged(err)
		case err != nil:
			return damaged(err)
		}
		st.statements++
		v, err := st.guard.judge(q.SQL, where)
		if err != nil {
			return withoutIt(err)
		}
		if !st.s.picked(v) {
			v.action = skip
		}
		if err := do(v); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
}

// picked tells whether a statement belongs to the selected tables.
func (s *session) picked(v verdict) bool {
	if len(s.o.Tables) == 0 || v.action == skip || v.action == settle {
		return true
	}
	p := v.parsed
	switch {
	case len(p.Refs) == 0:
		return true
	case p.Kind == "TRIGGER" && p.Verb == "CREATE":
		return slices.Contains(s.o.Tables, p.Refs[1].Name)
	case p.Kind == "TABLE" || p.Kind == "" || p.Kind == "INDEX":
		return slices.Contains(s.o.Tables, p.Refs[len(p.Refs)-1].Name) || slices.Contains(s.o.Tables, p.Own().Name)
	}
	return false
}

// settle runs a SET. If it changed sql_mode, settle asks the server for the mode of the
// following statements.
func (st *stream) settle(ctx context.Context, v verdict) error {
	if err := mysql.Set(ctx, st.conn, string(v.sql)); err != nil && !optional(err) &&
		mysql.Number(err) != errEmptyQuery {
		return fmt.Errorf("%s: %w", firstWords(string(v.sql)), err)
	}
	if !bytes.Contains(bytes.ToLower(v.sql), []byte("sql_mode")) {
		return nil
	}
	return st.follow(ctx)
}
