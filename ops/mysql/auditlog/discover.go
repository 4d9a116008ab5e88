package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// ability is what the server offers beyond plain queries.
type ability struct {
	readOnly bool           // START TRANSACTION READ ONLY
	limit    string         // "hint", "variable" or ""
	force    bool           // FORCE INDEX
	strict   bool           // text without a column's collation tells upper from lower case
	explain  string         // the words before a query that have it explained as a table; "" for none
	zone     *time.Location // of the server's wall clock
}

// discover looks at the table and at what the server can do.
func (r *reader) discover(ctx context.Context, q *session) error {
	if err := q.exec(ctx, "SELECT 1 FROM "+r.name()+" LIMIT 0"); err != nil {
		return err
	}
	columns, err := r.columns(ctx, q)
	if err != nil {
		return err
	}
	indexes, err := r.indexes(ctx, q)
	if err != nil {
		return err
	}
	r.layout, err = audit.Map(r.opt.Schema, r.opt.Table, columns, indexes, r.opt.Columns)
	if err != nil {
		return err
	}
	r.layout.Aliases = r.opt.Aliases
	r.probe(ctx, q)
	if r.layout.Column(audit.CreatedAt).Type != "timestamp" {
		if r.layout.Zone = r.opt.Zone; r.opt.Zone == nil {
			r.layout.Zone = r.can.zone
		}
	}
	return q.bound(ctx, r.opt.Timeout)
}

func (r *reader) columns(ctx context.Context, q *session) ([]audit.Column, error) {
	rows, err := q.query(ctx, `SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, EXTRA, COLLATION_NAME, DATETIME_PRECISION
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
		r.opt.Schema, r.opt.Table)
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

func (r *reader) indexes(ctx context.Context, q *session) ([]audit.Index, error) {
	rows, err := q.query(ctx, `SELECT INDEX_NAME, COLUMN_NAME, NON_UNIQUE
		FROM information_schema.STATISTICS
			WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_TYPE = 'BTREE' ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
		r.opt.Schema, r.opt.Table)
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
func (r *reader) probe(ctx context.Context, q *session) {
	a := r.can
	a.readOnly = q.exec(ctx, "START TRANSACTION READ ONLY") == nil && q.exec(ctx, "COMMIT") == nil
	a.limit = limits(ctx, q)
	if ix := r.layout.KeyIndex(); ix.Name != "" {
		a.force = q.exec(ctx, "SELECT 1 FROM "+r.name()+" FORCE INDEX ("+audit.Ident(ix.Name)+") LIMIT 0") == nil
	}
	a.strict = differs(ctx, q)
	// Some explain as a tree unless they are told otherwise, some do not know the word.
	for _, a.explain = range []string{"EXPLAIN FORMAT=TRADITIONAL", "EXPLAIN", ""} {
		if _, err := r.estimate(ctx, q, "SELECT 1 FROM "+r.name()+" WHERE "+r.col(audit.CreatedAt)+" = ? LIMIT 1",
			[]any{"2026-01-01"}); err == nil {
			break
		}
	}
	a.zone = serverZone(ctx, q)
	var born sql.NullString
	var rows sql.NullInt64
	if q.row(ctx,
		"SELECT CREATE_TIME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		[]any{r.opt.Schema, r.opt.Table}, &born, &rows) == nil {
		r.born, r.rows = born.String, rows.Int64
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
func limits(ctx context.Context, q *session) string {
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
			if endedEarly(ctx, q, fmt.Sprintf("SET STATEMENT max_statement_time = 0.%03d FOR SELECT SLEEP(%g)", try.ms,
				try.sleep)) {
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
