package load

import (
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/dump"
)

// TestValuesInsideJSONKeepTheirTypes: what a trigger's JSON_OBJECT('at', NEW.at) keeps is no
// string, though it is printed like one. The server's own CHECKSUM TABLE is of the stored
// bytes. A string that looks like a date stays a string.
func TestValuesInsideJSONKeepTheirTypes(t *testing.T) {
	s := testdb.MySQL(t)
	from := s.Schema(t)
	s.Exec(t, from,
		"SET sql_mode = ''", "CREATE TABLE k (id INT, d DATE, t TIME(6), dt DATETIME(6), b BIT(9), b64 BIT(64), vb VARBINARY(9), "+
			"bi BINARY(3), tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, de DECIMAL(30,2), t2 TIME)",
		"INSERT INTO k VALUES (1, '2025-11-29', '-12:00:01.5', '2025-11-29 10:00:00.25', b'101', "+
			"~0, 'ab\\0', 'xyz', 0xFF00, 'blo', 'm', 0x27225C, 12345678901234567.89, '838:59:59')",
		"INSERT INTO k (id, d, t, dt) VALUES (2, '0000-00-00', '00:00:00', '0000-00-00 00:00:00')",
		"INSERT INTO k (id, vb, tb, bl, mb, lb) VALUES (3, '', '', '', '', '')",
		"CREATE TABLE keyed (id INT PRIMARY KEY, j JSON, other JSON)",
		"INSERT INTO keyed VALUES (1, '{\"plain\": \"text\"}', NULL), (2, '[\"2025-11-29\", \"12:00:00.000000\", "+
			"\"base64:type15:YWI=\"]', '\"2025-11-29 10:00:00.000000\"')",
		"INSERT INTO keyed SELECT 2 + id, JSON_OBJECT('d', d, 't', t, 'dt', dt, 'b', b, 'b64', b64, 'vb', vb, 'bi', bi, "+
			"'tb', tb, 'bl', bl, 'mb', mb, 'lb', lb, 'de', de, 't2', t2), JSON_ARRAY(d, '2025-11-29', JSON_OBJECT('a \"b', dt, "+
			"'ключ', t, 'x.y', CAST(d AS CHAR), '$', d)) FROM k",
		"INSERT INTO keyed VALUES (9, CAST(CAST('2025-11-29' AS DATE) AS JSON), '\"2025-11-29\"'), (10, NULL, '{}')",
		"CREATE TABLE keyless AS SELECT * FROM keyed", // rows without an order
		"CREATE TABLE texts (id INT PRIMARY KEY, j JSON)",
		"INSERT INTO texts VALUES (1, '{\"day\": \"2025-11-29\"}')",
	)
	src := backedUp(t, s, dump.Options{Databases: []string{from}})
	for _, o := range []Options{{}, {NoLocal: true, Jobs: 1}} {
		o.Schema = s.Schema(t)
		mustRun(t, s, src, o)
		mustVerify(t, s, src.Manifest, o.Schema)
		for _, table := range []string{"keyed", "keyless", "texts"} {
			if was, is := sumOf(t, s, from, table), sumOf(t, s, o.Schema, table); was != is {
				t.Errorf("%s: checksum %s, was %s", table, is, was)
			}
		}
	}
}

func sumOf(t *testing.T, s *testdb.Server, in, table string) (sum string) {
	t.Helper()
	var name string
	if err := s.Open(t, in).QueryRow("CHECKSUM TABLE "+table).Scan(&name, &sum); err != nil {
		t.Fatal(err)
	}
	return sum
}
