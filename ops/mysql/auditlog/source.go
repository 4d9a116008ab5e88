// Package auditlog reads an audit table of a MySQL-compatible server: pages by
// key, the life of a resource, counts, exports. Reading is guarded: read-only
// transactions, a time limit on the server, an estimate before what could read
// much, one query at a time, and a cancel that ends the query there.
package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// Options say which table and how gently to read it.
type Options struct {
	Target        mysql.Target // for messages; db is open already
	Schema, Table string
	Columns       map[string]string // field name: column name, over what is found
	Aliases       audit.Aliases
	MaxRows       int64          // a query that would read more needs leave
	Timeout       time.Duration  // of one query, on the server; 0 for none
	Zone          *time.Location // of the wall time in a DATETIME column; nil: the server's
	StateDir      string         // where the proof of order is kept; "" keeps none
	Clock         clock.Clock    // nil: the machine's
}

// Source is one audit table. Its methods may be called by several goroutines;
// their queries run one after the other.
type Source struct {
	db      *sql.DB
	o       Options
	layout  *audit.Layout
	ability ability
	known   bool   // the table and the server were looked at
	born    string // when the table was made, as the server says
	rows    int64  // the server's estimate at discovery

	sweepRows int // of one query of a sweep

	turn   chan struct{} // capacity 1: one query at a time
	conn   *session      // used while holding the turn
	mu     sync.Mutex
	zones  *audit.Zones // guarded by the turn
	order  audit.Order  // of zones; guarded by mu
	ready  bool         // zones were loaded
	twice  bool         // an id was seen twice, so runs of ids prove nothing
	looked time.Time    // when the newest rows were last looked at again
}

// ability is what the server offers beyond plain queries.
type ability struct {
	readOnly bool           // START TRANSACTION READ ONLY
	limit    string         // "hint", "variable" or ""
	force    bool           // FORCE INDEX
	strict   bool           // text without a column's collation tells upper from lower case
	json     bool           // JSON_EXTRACT, JSON_VALID
	explain  string         // the words before a query that have it explained as a table; "" for none
	zone     *time.Location // of the server's wall clock
}

// Open looks at the table and the server and returns the source. The pool
// stays the caller's. Errors are *ops.Error.
func Open(ctx context.Context, db *sql.DB, o Options) (*Source, error) {
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 200_000
	}
	s := &Source{db: db, o: o, turn: make(chan struct{}, 1), zones: audit.NewZones(), sweepRows: sweepRows}
	if err := s.discover(ctx); err != nil {
		return nil, s.explain(err)
	}
	return s, nil
}

// Layout is what was found of the table.
func (s *Source) Layout() *audit.Layout { return s.layout }

// EstimatedRows is how many rows the server thinks the table has.
func (s *Source) EstimatedRows() int64 { return s.rows }

// Notes tell what the server lacks and what that means.
func (s *Source) Notes() []lang.Msg {
	var out []lang.Msg
	if !s.ability.readOnly {
		out = append(out, lang.M("the server knows no read-only transactions; only SELECT is ever sent"))
	}
	if s.ability.limit == "" {
		out = append(out, lang.M("the server offers no time limit for queries; opsdeck cancels them itself"))
	}
	if s.ability.explain == "" {
		out = append(out, lang.M("the server does not explain queries; how much one reads is not known beforehand"))
	}
	if s.layout.Trusted {
		out = append(
			out,
			lang.M(
				"the server names no unique index; that %s is one is taken from the configuration",
				s.layout.Column(audit.ID).Name,
			),
		)
	}
	if s.layout.Column(audit.CreatedAt).OnUpdate {
		out = append(
			out,
			lang.M(
				"the column %s changes whenever a row is updated; times may not be those of the event",
				s.layout.Column(audit.CreatedAt).Name,
			),
		)
	}
	return out
}

// Close ends the source's own connection.
func (s *Source) Close() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
}

func (s *Source) discover(ctx context.Context) error {
	return s.with(ctx, func(ctx context.Context, q *session) error {
		if err := q.exec(ctx, "SELECT 1 FROM "+s.name()+" LIMIT 0"); err != nil {
			return err
		}
		columns, err := s.columns(ctx, q)
		if err != nil {
			return err
		}
		indexes, err := s.indexes(ctx, q)
		if err != nil {
			return err
		}
		s.layout, err = audit.Map(s.o.Schema, s.o.Table, columns, indexes, s.o.Columns)
		if err != nil {
			return err
		}
		s.layout.Aliases = s.o.Aliases
		s.probe(ctx, q)
		if s.layout.Column(audit.CreatedAt).Type != "timestamp" {
			if s.layout.Zone = s.o.Zone; s.o.Zone == nil {
				s.layout.Zone = s.ability.zone
			}
		}
		s.known = true
		return q.bound(ctx, s.o.Timeout)
	})
}

// name is the table's, for SQL.
func (s *Source) name() string { return audit.Ident(s.o.Schema) + "." + audit.Ident(s.o.Table) }

func (s *Source) columns(ctx context.Context, q *session) ([]audit.Column, error) {
	rows, err := q.query(ctx, `SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, EXTRA, COLLATION_NAME, DATETIME_PRECISION
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`, s.o.Schema, s.o.Table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []audit.Column
	for rows.Next() {
		var c audit.Column
		var nullable, extra string
		var collated, precision sql.NullString
		if err := rows.Scan(&c.Name, &c.Type, &nullable, &extra, &collated, &precision); err != nil {
			return nil, err
		}
		collation := strings.ToLower(collated.String)
		c.Type = strings.ToLower(c.Type)
		c.Precision, _ = strconv.Atoi(precision.String) // NULL: no time
		c.Nullable = strings.EqualFold(nullable, "YES")
		c.Integer = strings.HasSuffix(c.Type, "int")
		c.JSON = c.Type == "json"
		c.Binary = c.Type == "binary" || c.Type == "varbinary"
		c.Counted = strings.Contains(strings.ToLower(extra), "auto_increment")
		c.Exact = strings.HasSuffix(collation, "_bin") || strings.HasSuffix(collation, "_cs")
		c.OnUpdate = strings.Contains(strings.ToLower(extra), "on update")
		out = append(out, c)
	}
	return out, rows.Err()
}

func (s *Source) indexes(ctx context.Context, q *session) ([]audit.Index, error) {
	rows, err := q.query(ctx, `SELECT INDEX_NAME, COLUMN_NAME, NON_UNIQUE
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_TYPE = 'BTREE' ORDER BY INDEX_NAME, SEQ_IN_INDEX`, s.o.Schema, s.o.Table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []audit.Index
	for rows.Next() {
		var name string
		var column sql.NullString
		var repeats bool
		if err := rows.Scan(&name, &column, &repeats); err != nil {
			return nil, err
		}
		if n := len(out); n == 0 || out[n-1].Name != name {
			out = append(out, audit.Index{Name: name, Unique: !repeats})
		}
		out[len(out)-1].Columns = append(out[len(out)-1].Columns, column.String)
	}
	return out, rows.Err()
}

// probe tries what other servers may lack; what fails is done without.
func (s *Source) probe(ctx context.Context, q *session) {
	a := &s.ability
	a.readOnly = q.exec(ctx, "START TRANSACTION READ ONLY") == nil && q.exec(ctx, "COMMIT") == nil
	a.limit = s.limits(ctx, q)
	if ix := s.layout.KeyIndex(); ix.Name != "" {
		a.force = q.exec(ctx, "SELECT 1 FROM "+s.name()+" FORCE INDEX ("+audit.Ident(ix.Name)+") LIMIT 0") == nil
	}
	a.strict = differs(ctx, q)
	a.json = q.exec(ctx, `SELECT JSON_EXTRACT('{"a":1}', '$.a'), JSON_VALID('x')`) == nil
	// Some explain as a tree unless they are told otherwise, some do not know the word.
	for _, a.explain = range []string{"EXPLAIN FORMAT=TRADITIONAL", "EXPLAIN", ""} {
		if _, err := s.estimate(ctx, q, "SELECT 1 FROM "+s.name()+" WHERE "+s.col(audit.CreatedAt)+" = ? LIMIT 1", []any{"2026-01-01"}); err == nil {
			break
		}
	}
	a.zone = serverZone(ctx, q)
	var born sql.NullString
	var rows sql.NullInt64
	if q.row(
		ctx,
		"SELECT CREATE_TIME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		[]any{s.o.Schema, s.o.Table},
		&born,
		&rows,
	) == nil {
		s.born, s.rows = born.String, rows.Int64
	}
}

// differs tells whether the server takes a cast text in another case for
// another text.
func differs(ctx context.Context, q *session) bool {
	var like int
	return q.row(ctx, "SELECT CAST('a' AS CHAR) LIKE 'A'", nil, &like) == nil && like == 0
}

// limits finds how the server limits a query's time, by trying: some know the
// words and do not obey. On a busy machine a limit of a millisecond can be over
// before the query has begun, and pass unnoticed, and a sleep be over before
// anybody looks; then longer ones are tried.
func (s *Source) limits(ctx context.Context, q *session) string {
	for _, try := range []struct {
		ms    int
		sleep float64
	}{{1, 0.25}, {20, 0.25}, {50, 1.5}} {
		limited := false
		if q.knows(ctx, "max_execution_time") {
			limited = true
			if endedEarly(ctx, q, fmt.Sprintf("SELECT /*+ MAX_EXECUTION_TIME(%d) */ SLEEP(%g)", try.ms, try.sleep)) {
				return "hint"
			}
		}
		if q.knows(ctx, "max_statement_time") {
			limited = true
			if endedEarly(
				ctx,
				q,
				fmt.Sprintf("SET STATEMENT max_statement_time = 0.%03d FOR SELECT SLEEP(%g)", try.ms, try.sleep),
			) {
				return "variable"
			}
		}
		if !limited {
			break
		}
	}
	return ""
}

// endedEarly tells whether the server ended a query that sleeps: by an error,
// or by a sleep that says it was cut short.
func endedEarly(ctx context.Context, q *session, query string) bool {
	var cut int
	err := q.row(ctx, query, nil, &cut)
	return err == nil && cut == 1 || overTime(err)
}

// overTime tells whether the server ended a query at its time limit.
func overTime(err error) bool {
	switch mysql.Number(err) {
	case errQueryTimeout, errStatementTimeout, errMaxExecTime:
		return true
	}
	return false
}

// serverZone finds the zone of the server's wall clock, by name where it has
// one that is known here, else by its distance from UTC.
func serverZone(ctx context.Context, q *session) *time.Location {
	var global, system string
	if q.row(ctx, "SELECT @@GLOBAL.time_zone, @@GLOBAL.system_time_zone", nil, &global, &system) != nil {
		return time.UTC
	}
	if strings.EqualFold(global, "SYSTEM") {
		global = system
	}
	if zone, err := clock.ParseZone(global); err == nil && global != "" && global != "local" {
		return zone
	}
	var minutes int
	if q.exec(ctx, "SET time_zone = @@GLOBAL.time_zone") != nil {
		return time.UTC
	}
	err := q.row(ctx, "SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())", nil, &minutes)
	if q.exec(ctx, "SET time_zone = '+00:00'") != nil || err != nil || minutes == 0 {
		return time.UTC
	}
	return clock.FixedZone(minutes)
}

// Error numbers that matter here, beside those of package mysql.
const (
	errQueryTimeout     = 3024 // MySQL: MAX_EXECUTION_TIME exceeded
	errStatementTimeout = 1969 // MariaDB: max_statement_time exceeded
	errMaxExecTime      = 1907 // TiDB: the same as 3024
)

// explain makes an *ops.Error of whatever went wrong.
func (s *Source) explain(err error) error {
	if errors.Is(err, errOverTime) {
		return ops.E(ops.Failed, lang.M("the query ran longer than %s, its time limit, and was killed", s.o.Timeout)).
			WithHint(lang.M("narrow the query, or raise audit.timeout in the configuration"))
	}
	if overTime(err) {
		return ops.Wrap(err, ops.Failed, lang.M("the server ended the query after %s, its time limit", s.o.Timeout)).
			WithHint(lang.M("narrow the query, or raise audit.timeout in the configuration"))
	}
	switch mysql.Number(err) {
	case mysql.ErrNoSuchTable:
		return ops.Wrap(err, ops.Config, lang.M("there is no table %s in the database %s", s.o.Table, s.o.Schema)).
			WithHint(lang.M("name the audit table as audit.table in the configuration"))
	case mysql.ErrTableAccessDenied, mysql.ErrDBAccessDenied:
		return ops.Wrap(err, ops.Config, lang.M("the user %s has no permission to read %s", s.o.Target.User, s.o.Schema+"."+s.o.Table)).
			WithHint(lang.M("the privilege needed is: GRANT SELECT ON %s", s.name()))
	}
	return mysql.Explain(err, s.o.Target)
}

// MaxRows is how many rows a query may read without leave.
func (s *Source) MaxRows() int64 { return s.o.MaxRows }
