package dump

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
)

// firedOn is the end of queries that a trigger answers.
const firedOn = " FROM t /* fired */"

// carried are objects whose text contains bytes that are ill-formed, or that have another
// meaning in another charset. ask queries the object's real text.
var carried = []struct{ name, flavour, make, ask string }{
	{
		"ill-formed utf8mb4 body",
		"",
		"SET NAMES utf8mb4; CREATE PROCEDURE p() SELECT LENGTH('\xce\xd2 \xff')",
		"CALL p()",
	},
	{
		"literal in a body, utf8mb4",
		"",
		"SET NAMES utf8mb4; CREATE PROCEDURE p() SELECT HEX(_binary'\xce\xff')",
		"CALL p()",
	},
	{"literal in a body, latin1", "", "SET NAMES latin1; CREATE PROCEDURE p() SELECT HEX('\xe9\xff')", "CALL p()"},
	{
		"literal in a body, gbk",
		"",
		"SET NAMES gbk; CREATE PROCEDURE p() SELECT HEX(CONVERT('\xce\xd2\xd5\x5c' USING utf8mb4))",
		"CALL p()",
	},
	{"hex of a literal in a body, gbk", "", "SET NAMES gbk; CREATE PROCEDURE p() SELECT HEX('\xce\xd2')", "CALL p()"},
	{
		"ill-formed gbk body",
		"",
		"SET NAMES gbk; CREATE PROCEDURE p() SELECT '\xce\xd2' /* \xff\x80 \x80 */",
		"CALL p()",
	},
	{"ill-formed ascii body", "", "SET NAMES ascii; CREATE PROCEDURE p() SELECT LENGTH('\xe9')", "CALL p()"},
	{
		"a Chinese name from a latin1 client",
		"",
		"SET NAMES utf8mb4; SET character_set_client = utf8mb4; CREATE PROCEDURE `\u8fc7\u7a0b`() SELECT '\u503c'",
		"CALL `\u8fc7\u7a0b`()",
	},
	{"a name of latin1 letters", "", "SET NAMES latin1; CREATE PROCEDURE `p\xe9`() SELECT '\xe9'", "CALL `p\u00e9`()"},
	{
		"trigger, ill-formed utf8mb4",
		"",
		"CREATE TABLE t (a INT, b VARBINARY(9)); SET NAMES utf8mb4; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH " +
			"ROW SET NEW.b = _binary'\xff\xfe'",
		"SELECT HEX(b)" + firedOn,
	},
	{
		"trigger, latin1",
		"",
		"CREATE TABLE t (a INT, b VARBINARY(9)); SET NAMES latin1; CREATE TRIGGER `tr\xe9` BEFORE INSERT ON t FOR " +
			"EACH ROW SET NEW.b = '\xe9'",
		"SELECT HEX(b)" + firedOn,
	},
	{
		"literal in a body, utf8mb3",
		"",
		"SET NAMES utf8mb3; CREATE PROCEDURE p() SELECT HEX(_binary'\xce\xff')",
		"CALL p()",
	},
	{
		"view of latin1 names",
		"",
		"CREATE TABLE `t\u00e9` (`a\u00e9` INT); SET NAMES latin1; CREATE VIEW `v\xe9` AS SELECT `a\xe9` AS `c\xe9` " +
			"FROM `t\xe9`",
		"SELECT COUNT(`c\u00e9`) FROM `v\u00e9`",
	},
	{
		"event of a latin1 name",
		"",
		"SET NAMES latin1; CREATE EVENT `e\xe9` ON SCHEDULE AT '2037-01-01' DO SELECT '\xe9'",
		"SELECT 1",
	},
	{
		"functional key, latin1",
		"",
		"SET NAMES latin1; CREATE TABLE t (a VARCHAR(9), KEY k ((CONCAT(a, '\xe9'))))",
		"SELECT HEX(EXPRESSION) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"expressions of utf8mb4",
		"",
		"SET NAMES utf8mb4; CREATE TABLE t (a VARCHAR(9) DEFAULT (CONCAT('\u503c', 'x')), g VARCHAR(20) AS " +
			"(CONCAT(a, '\u503c')), CHECK (a <> '\u574f')); INSERT INTO t (a) VALUES (DEFAULT)",
		"SELECT HEX(a), HEX(g) FROM t",
	},
	{
		"event, ill-formed utf8mb4",
		"",
		"SET NAMES utf8mb4; CREATE EVENT e ON SCHEDULE AT '2037-01-01' DO SELECT _binary'\xff\xfe'",
		"SELECT 1",
	},
	{
		"view with a literal, latin1",
		"",
		"SET NAMES latin1; CREATE VIEW v AS SELECT HEX('\xe9') AS h",
		"SELECT * FROM v",
	},
	{
		"view from a gbk client",
		"",
		"CREATE TABLE `\u8868` (`\u5217` INT); SET NAMES gbk; CREATE VIEW v AS SELECT `\xc1\xd0`, '\xce\xd2' AS w " +
			"FROM `\xb1\xed`",
		"SELECT HEX(w) FROM v",
	},
	{
		"view with bytes",
		"",
		"SET NAMES utf8mb4; CREATE VIEW v AS SELECT HEX(_binary'\xff\xfe') AS h",
		"SELECT * FROM v",
	},
	{
		"view with bytes of latin1",
		"",
		"SET NAMES utf8mb4; CREATE VIEW v AS SELECT HEX(_latin1'\xe9') AS h",
		"SELECT * FROM v",
	},
	{
		"default bytes",
		"",
		"CREATE TABLE t (a INT, b BINARY(3) DEFAULT 0xff00fe, c VARBINARY(3) DEFAULT 0x80); INSERT INTO t (a) " +
			"VALUES (1)",
		"SELECT HEX(b), HEX(c) FROM t",
	},
	{
		"default of a live row",
		"",
		"CREATE TABLE t (a INT, b VARBINARY(3) DEFAULT 0xff)",
		"SELECT HEX(DEFAULT(b)) FROM (SELECT 1) x LEFT JOIN t ON 1=1",
	},
	{
		"enum of bytes",
		"",
		"CREATE TABLE t (a ENUM(0xff,0xfe) CHARACTER SET binary)",
		"SELECT HEX(COLUMN_TYPE) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"enum of latin1",
		"",
		"CREATE TABLE t (a ENUM(_latin1 0xe9) CHARACTER SET latin1)",
		"SELECT HEX(COLUMN_TYPE) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"check with bytes",
		"",
		"SET NAMES utf8mb4; CREATE TABLE t (a VARBINARY(9), CHECK (a <> _binary'\xff'))",
		"SELECT HEX(CHECK_CLAUSE) FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
	},
	{
		"check with latin1",
		"",
		"SET NAMES latin1; CREATE TABLE t (a VARCHAR(9), CHECK (a <> '\xe9'))",
		"SELECT HEX(CHECK_CLAUSE) FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
	},
	{
		"generated with bytes",
		"",
		"SET NAMES utf8mb4; CREATE TABLE t (a INT, g VARBINARY(9) AS (CONCAT(_binary'\xff', a)) STORED); INSERT " +
			"INTO t (a) VALUES (1)",
		"SELECT HEX(g) FROM t",
	},
	{
		"generated with latin1",
		"",
		"SET NAMES latin1; CREATE TABLE t (a INT, g VARCHAR(9) AS (CONCAT('\xe9', a)) STORED); INSERT INTO t (a) " +
			"VALUES (1)",
		"SELECT HEX(g) FROM t",
	},
	{
		"default expression with bytes",
		"",
		"SET NAMES utf8mb4; CREATE TABLE t (a INT, g VARBINARY(9) DEFAULT (CONCAT(_binary'\xff', 'a'))); INSERT " +
			"INTO t (a) VALUES (1)",
		"SELECT HEX(g) FROM t",
	},
	{
		"partition of bytes",
		"",
		"CREATE TABLE t (a VARBINARY(9)) PARTITION BY LIST COLUMNS (a) (PARTITION p0 VALUES IN (0xff))",
		"SELECT HEX(PARTITION_DESCRIPTION) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"partition of latin1",
		"",
		"CREATE TABLE t (a VARCHAR(9) CHARACTER SET latin1) PARTITION BY LIST COLUMNS (a) (PARTITION p0 VALUES IN " +
			"(_latin1 0xe9))",
		"SELECT HEX(PARTITION_DESCRIPTION) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"comments",
		"",
		"SET NAMES utf8mb4; CREATE TABLE t (a INT COMMENT '\u5217 ``x`` \\\\ \\'q\\' \\n') COMMENT '\u8868 \\\\ \\''",
		"SELECT HEX(COLUMN_COMMENT) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"ill-formed comment",
		"",
		"SET NAMES utf8mb4; SET sql_mode=''; CREATE TABLE t (a INT COMMENT 'x\xff')",
		"SELECT HEX(COLUMN_COMMENT) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
	},
	{
		"names with backticks",
		"",
		"CREATE TABLE `a``b;\n'\"\\\\` (`c``d` INT PRIMARY KEY, KEY `k``'` (`c``d`)); CREATE VIEW `v``;` AS SELECT " +
			"* FROM `a``b;\n'\"\\\\`; CREATE PROCEDURE `p``;`() SELECT 1",
		"CALL `p``;`()",
	},
}

// A dump restores the text byte for byte; a dump that cannot do so fails and names the
// object.
func TestTextThatCannotBeCarriedFailsTheBackup(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, c := range carried {
			if c.flavour != "" && c.flavour != s.Flavour {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				db := s.Schema(t)
				pool := s.Open(t, db+"?multiStatements=true")
				if _, err := pool.ExecContext(t.Context(), c.make); err != nil {
					t.Skipf("the server does not take it: %v", err)
				}
				was := asked(t, pool, c.ask)
				path := filepath.Join(t.TempDir(), "a.sql.gz")
				m, err := Run(context.Background(), target(s), Options{Databases: []string{db}}, path)
				if err != nil {
					if !strings.Contains(err.Error(), "cannot be stored") || !strings.Contains(err.Error(), db) {
						t.Errorf("refused without a name: %v", err)
					}
					return
				}
				t.Logf("warnings %q", m.Warnings)
				reload(t, s, text(t, path, m), db)
				if is := asked(t, s.Open(t, db), c.ask); is != was {
					t.Errorf("was %s, came back as %s", was, is)
				}
			})
		}
	})
}

// asked is a query's result and every definition of the database, in hex.
func asked(t *testing.T, pool *sql.DB, query string) string {
	t.Helper()
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := execute(t.Context(), c, "SET NAMES utf8mb4"); err != nil {
		t.Fatal(err)
	}
	var all []string
	if strings.HasSuffix(query, firedOn) {
		if err := execute(t.Context(), c, "DELETE FROM t", "INSERT INTO t VALUES (1, NULL)"); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []string{query,
		"SELECT ROUTINE_NAME, HEX(ROUTINE_DEFINITION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = " +
			"DATABASE()",
		"SELECT TRIGGER_NAME, HEX(ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
		"SELECT EVENT_NAME, HEX(EVENT_DEFINITION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
		"SELECT TABLE_NAME, HEX(VIEW_DEFINITION) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()",
		"SELECT COLUMN_NAME, HEX(COLUMN_DEFAULT), HEX(COLUMN_COMMENT), HEX(COLUMN_TYPE), HEX(GENERATION_EXPRESSION) " +
			"FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION"} {
		rows, err := schema.All(t.Context(), c, q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		for _, r := range rows {
			all = append(all, strings.Join(r, " "))
		}
	}
	return strings.Join(all, "\n")
}
