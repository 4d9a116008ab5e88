package mysql

import (
	"fmt"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// TestReadOnlyServersAreTold by their own words, as MySQL 9.7 and MariaDB 10.11 say them.
func TestReadOnlyServersAreTold(t *testing.T) {
	for _, c := range []struct {
		number  uint16
		message string
		want    string
	}{
		{1290, "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
			"super_read_only"},
		{1290, "The MySQL server is running with the --read-only option so it cannot execute this statement",
			"read_only"},
		{1290, "The MariaDB server is running with the --read-only option so it cannot execute this statement",
			"read_only"},
		{1290, "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement",
			""},
		{1836, "Running in read-only mode", "innodb_read_only"},
		{1005, "Can't create table `d`.`t` (errno: 165 \"Table is read only\")", "innodb_read_only"},
		{1005, "Can't create table `d`.`t` (errno: 150 \"Foreign key constraint is incorrectly formed\")", ""},
	} {
		err := fmt.Errorf("create: %w", &mysqldriver.MySQLError{Number: c.number, Message: c.message})
		if by := ReadOnlyBy(err); by != c.want {
			t.Errorf("%d %s: %q, want %q", c.number, c.message, by, c.want)
		}
		if Circumstance(err) != (c.want != "") {
			t.Errorf("%d %s: a circumstance: %v", c.number, c.message, Circumstance(err))
		}
	}
}
