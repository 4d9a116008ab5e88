package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync/atomic"

	gms "github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
)

// dialect stands before the embedded server's own handler. It gives errors the
// numbers that MySQL gives them, since programs that probe for a feature go by
// them, and mends the few statements that the server misunderstands.
type dialect struct {
	mysql.Handler
	full *atomic.Bool // no space is left for rows
}

func (d *dialect) ComQuery(ctx context.Context, c *mysql.Conn, query string, callback mysql.ResultSpoolFn) error {
	if d.full.Load() && strings.HasPrefix(query, "INSERT INTO ") {
		return mysql.NewSQLError(1114, "HY000", "The table '%s' is full", strings.Trim(strings.Fields(query)[2], "`"))
	}
	err := d.Handler.ComQuery(ctx, c, mended(query), callback)
	if needless(query, err) {
		err = d.Handler.ComQuery(ctx, c, harmless, callback)
	}
	return numbered(err)
}

func (d *dialect) ComMultiQuery(
	ctx context.Context,
	c *mysql.Conn,
	query string,
	callback mysql.ResultSpoolFn,
) (string, error) {
	rest, err := d.Handler.ComMultiQuery(ctx, c, mended(query), callback)
	if needless(query, err) {
		rest, err = d.Handler.ComMultiQuery(ctx, c, harmless, callback)
	}
	return rest, numbered(err)
}

func (d *dialect) ComStmtExecute(
	ctx context.Context,
	c *mysql.Conn,
	prepare *mysql.PrepareData,
	callback func(*sqltypes.Result) error,
) error {
	return numbered(d.Handler.ComStmtExecute(ctx, c, prepare, callback))
}

// mended is a statement in words that the embedded server takes.
func mended(query string) string {
	switch {
	case strings.Contains(query, "sql_select_limit = 18446744073709551615"):
		return harmless // it reads the greatest limit as a negative one
	case strings.EqualFold(query, "SELECT @@warning_count"):
		return "SELECT 0" // it keeps no count
	case savepoint.MatchString(query):
		return harmless // it has none; its readers hold no locks that one would release
	case strings.HasPrefix(query, "EXPLAIN FORMAT=TRADITIONAL SELECT 1 "):
		return "SELECT 1 AS `rows`" // it has no estimates; its tables are small
	case strings.HasPrefix(query, "CHECK TABLE "):
		return checkAnswer(query)
	}
	return query
}

var savepoint = regexp.MustCompile(`(?i)^(RELEASE |ROLLBACK( WORK)? TO )?SAVEPOINT `)

var checked = regexp.MustCompile("`((?:[^`]|``)+)`(?:, *| QUICK| EXTENDED|$)")

// checkAnswer makes MySQL's answer to CHECK TABLE for tables of an engine that
// has no check, as those in memory are.
func checkAnswer(query string) string {
	var rows []string
	for _, m := range checked.FindAllStringSubmatch(query, -1) {
		name := strings.ReplaceAll(strings.ReplaceAll(m[1], "``", "`"), "'", "''")
		rows = append(
			rows,
			"SELECT '"+name+"' AS `Table`, 'check' AS Op, 'note' AS Msg_type, 'The storage engine for the table "+
				"doesn''t support check' AS Msg_text",
		)
	}
	if rows == nil {
		return query
	}
	return strings.Join(rows, " UNION ALL ")
}

// harmless is what is run instead of a statement that the server cannot do and
// need not do.
const harmless = "SET @opsdeck_demo = 1"

// needless tells of a refused session setting of a kind that the server has no
// use for: it keeps some of MySQL's session variables as global ones.
func needless(query string, err error) bool {
	return err != nil && strings.HasPrefix(query, "SET SESSION ") &&
		strings.Contains(err.Error(), "is a GLOBAL variable")
}

// numbers are MySQL's, by a part of the embedded server's message.
var numbers = []struct {
	part   string
	number int
	state  string
}{
	{"Unknown system variable", 1193, "HY000"},
	{"syntax error at position", 1064, "42000"},
	{"unsupported", 1235, "42000"},
	{"view not found", 1146, "42S02"},
}

func numbered(err error) error {
	if err == nil {
		return nil
	}
	known := gms.CastSQLError(err)
	var plain *mysql.SQLError
	if errors.As(err, &plain) {
		known = plain
	}
	if known.Num != mysql.ERUnknownError {
		return err
	}
	for _, n := range numbers {
		if strings.Contains(known.Message, n.part) {
			return mysql.NewSQLError(n.number, n.state, "%s", known.Message)
		}
	}
	return err
}
