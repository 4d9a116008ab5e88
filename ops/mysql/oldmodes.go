package mysql

import (
	"regexp"
	"strings"
)

// errWrongValue is ER_WRONG_VALUE_FOR_VAR.
const errWrongValue = 1231

// oldModes are words of sql_mode that newer servers, or those of the other family, do not
// know, and that change nothing of how a statement or the body of a routine is read or run:
// accounts that GRANT made, names that stand for the words after them, and what SHOW CREATE
// TABLE leaves out. MariaDB cuts fractions of seconds off without the last one.
//
// MySQL 8.0 Release Notes, 8.0.11, "SQL Mode Notes".
var oldModes = regexp.MustCompile(`(?i)\b(NO_AUTO_CREATE_USER|DB2|MAXDB|MSSQL|MYSQL323|MYSQL40|POSTGRESQL|` +
	`NO_FIELD_OPTIONS|NO_KEY_OPTIONS|NO_TABLE_OPTIONS|TIME_TRUNCATE_FRACTIONAL)\b,?`)

// withoutOldModes leaves these words out of a SET of sql_mode which the server refused for
// one of them.
func withoutOldModes(statement string, err error) (shorter string, ok bool) {
	if Number(err) != errWrongValue || !strings.Contains(strings.ToLower(statement), "sql_mode") {
		return statement, false
	}
	shorter = oldModes.ReplaceAllString(statement, "")
	shorter = strings.ReplaceAll(shorter, ",'", "'")
	return shorter, shorter != statement
}
