package load

import (
	"context"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Check is the result of CHECK TABLE.
type Check struct {
	Complaints  []string // problems that the server reports
	Unsupported bool     // the table's engine has no check: nothing is known
}

// CheckTable runs CHECK TABLE. Plan, drill and restore all use it. A quick check does not scan
// for rows with wrong links.
//
// A warning beside the status OK is no problem: a MyISAM table with a row 0, or one that a
// client has not closed, is sound.
//
// A check that other sessions' locks prevented says nothing about the table: it is
// retried after a deadlock, and is otherwise an error for which mysql.Yields is true.
//
// MySQL Reference Manual, "CHECK TABLE Statement".
func CheckTable(ctx context.Context, q schema.Querier, in, name string, quick bool) (c Check, err error) {
	query := "CHECK TABLE " + schema.Name(in, name)
	if quick {
		query += " QUICK"
	}
	err = mysql.AgainSoon(ctx, func() error {
		c = Check{}
		rows, err := schema.All(ctx, q, query)
		if err != nil {
			return err
		}
		sound := slices.ContainsFunc(rows, func(r []string) bool {
			return len(r) == 4 && r[2] == "status" && r[3] == "OK"
		})
		for _, r := range rows { // Table, Op, Msg_type, Msg_text
			if len(r) == 4 && unsupported(r[3]) {
				c.Unsupported = true
				continue
			}
			if len(r) != 4 || !complaint(strings.ToLower(r[2]), r[3]) || sound && !strings.EqualFold(r[2], "error") {
				continue
			}
			if err := prevented(r[3]); err != nil {
				c = Check{}
				return err
			}
			c.Complaints = append(c.Complaints, r[3])
		}
		return nil
	})
	return c, err
}

// unsupported reports that the server refused the check because of the table's engine.
//
// HA_ADMIN_NOT_IMPLEMENTED in sql_admin.cc of MySQL and MariaDB.
func unsupported(text string) bool {
	return strings.HasPrefix(text, "The storage engine for the table doesn't support ")
}

func complaint(kind, text string) bool {
	switch kind {
	case "note", "info":
		return false
	case "status":
		return text != "OK" && text != "Table is already up to date"
	}
	return true
}

// prevented is the error of a check that did not happen. The server puts it in a row of
// the result, with its text alone; our sessions set lc_messages to English.
//
// mysql_admin_table in sql_admin.cc of MySQL and MariaDB.
func prevented(text string) error {
	for number, start := range map[uint16]string{
		mysql.ErrDeadlock:        "Deadlock found when trying to get lock",
		mysql.ErrLockWaitTimeout: "Lock wait timeout exceeded",
	} {
		if strings.HasPrefix(text, start) {
			return &driver.MySQLError{Number: number, Message: text}
		}
	}
	return nil
}
