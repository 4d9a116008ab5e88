package replay

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// TestStatementsOfEveryClientsCharsetAreReplayed: definitions by clients in gbk, sjis, latin1
// and cp1251, whose names are outside ASCII and whose second bytes may be a quote or a
// backslash, and rows by statements in those charsets.
func TestStatementsOfEveryClientsCharsetAreReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE `中` (id INT PRIMARY KEY, c VARCHAR(20)) CHARACTER SET utf8mb4",
			"INSERT INTO `中` VALUES (1, '中')", "CREATE TABLE `国` (id INT PRIMARY KEY)", "CREATE TABLE `é` (id INT)",
			"CREATE TABLE k (id INT PRIMARY KEY, c VARCHAR(20), b VARBINARY(20)) CHARACTER SET utf8mb4")
		w.work(t, "SET NAMES gbk", "TRUNCATE `\xd6\xd0`", "INSERT INTO `\xd6\xd0` VALUES (2, '\xd6\xd0')",
			"CREATE TABLE `\x81\x60` (id INT PRIMARY KEY COMMENT '\xd5\x5c', `\xd6\xd0` INT DEFAULT 1)",
			"INSERT INTO `\x81\x60` VALUES (1, 2), (2, 3)", "RENAME TABLE `\xb9\xfa` TO `\xb9\xfa2`",
			"CREATE PROCEDURE p() SELECT '\xd5\x5c'", "SET SESSION binlog_format=STATEMENT",
			"INSERT INTO k VALUES (1, '\xd5\x5c', '\xff\xfe'), (2, '\xd6\xd0', x'ff')", "SET SESSION binlog_format=ROW",
			"SET NAMES latin1", "DROP TABLE `\xe9`", "CREATE TABLE `\xe8` (id INT, c VARCHAR(9) DEFAULT '\xe9\x81')",
			"SET NAMES cp1251", "CREATE TABLE `\xcf` (id INT, c ENUM('\xcf', '\xf0'))", "INSERT INTO `\xcf` VALUES (1, '\xf0')",
			"SET NAMES sjis", "CREATE TABLE `\x83\x5c` (id INT) COMMENT '\x95\x5c'")
		end := now(t, s)
		_, state := w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
		w.same(t)
		w.counted(t, state)
		word := w.word(t, w.shadow)
		for _, want := range []string{"`乣`", "誠", "`国2`", "`è`", "'П','р'", "`ソ`", "'表'"} {
			if !strings.Contains(word, want) {
				t.Errorf("%s is not in\n%s", want, word)
			}
		}
	})
}
