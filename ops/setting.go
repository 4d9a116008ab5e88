package ops

import "strings"

// SetGlobal is the statement that changes settings of a running server, each as "name = value".
// The comment behind it says what to write into the server's option file: the next start of the
// server forgets the statement.
func SetGlobal(settings ...string) string {
	return "SET GLOBAL " + strings.Join(settings, ", GLOBAL ") + " -- to last, in my.cnf: [mysqld] " +
		strings.Join(settings, "; ")
}
