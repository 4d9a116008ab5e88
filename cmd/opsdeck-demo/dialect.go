package main

import (
	"context"
	"errors"
	"strings"

	gms "github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
)

// dialect stands before the embedded server's own handler. It gives errors the
// numbers that MySQL gives them, since programs that probe for a feature go by
// them, and mends the few statements that the server misunderstands.
type dialect struct{ mysql.Handler }

func newDialect(h mysql.Handler) (mysql.Handler, error) { return &dialect{h}, nil }

func (d *dialect) ComQuery(ctx context.Context, c *mysql.Conn, query string, callback mysql.ResultSpoolFn) error {
	return numbered(d.Handler.ComQuery(ctx, c, mended(query), callback))
}

func (d *dialect) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, callback mysql.ResultSpoolFn) (string, error) {
	rest, err := d.Handler.ComMultiQuery(ctx, c, mended(query), callback)
	return rest, numbered(err)
}

func (d *dialect) ComStmtExecute(ctx context.Context, c *mysql.Conn, prepare *mysql.PrepareData, callback func(*sqltypes.Result) error) error {
	return numbered(d.Handler.ComStmtExecute(ctx, c, prepare, callback))
}

// mended is a statement in words that the embedded server takes.
func mended(query string) string {
	if strings.Contains(query, "sql_select_limit = 18446744073709551615") {
		return "SET @unlimited = 1" // it reads the greatest limit as a negative one
	}
	return query
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
