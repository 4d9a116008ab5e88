package binlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// walkFile feeds a whole file to a walker.
func walkFile(t testing.TB, path string, take func(*Item) error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	walkBytes(t, filepath.Base(path), data, take)
}

func walkBytes(t testing.TB, name string, data []byte, take func(*Item) error) {
	t.Helper()
	d := NewDecoder(bytes.NewReader(data), 0, nil)
	w := NewWalker(name, nil)
	for {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Feed(e, d.Pos(), take); err != nil {
			t.Fatal(err)
		}
	}
}

// currentLog is the path of the server's current binlog file.
func currentLog(t testing.TB, s *testdb.Server) string {
	t.Helper()
	return filepath.Join(s.DataDir(), s.LogPosition(t).File)
}

const everyType = `CREATE TABLE every (id INT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, y YEAR, si SMALLINT, su SMALLINT UNSIGNED, mi MEDIUMINT, mu MEDIUMINT UNSIGNED,
	i INT, iu INT UNSIGNED ZEROFILL, bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, dec1 DECIMAL(30,10), dec2 DECIMAL(5,0), dec3 DECIMAL(65,30), dec4 DECIMAL(9,9),
	b1 BIT(1), b9 BIT(9), b64 BIT(64), dt DATE, t0 TIME, t1 TIME(1), t3 TIME(3), t6 TIME(6), dt0 DATETIME, dt2 DATETIME(2), dt4 DATETIME(4), dt6 DATETIME(6),
	ts0 TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts6 TIMESTAMP(6) NULL, c CHAR(10), c200 CHAR(200) CHARACTER SET utf8mb4, vc VARCHAR(20), vcl VARCHAR(2000) CHARACTER SET latin1,
	bn BINARY(5), vb VARBINARY(300), tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB,
	en ENUM('a','b','后'), s1 SET('x','y','z'), g GEOMETRY, gen INT GENERATED ALWAYS AS (id + 1) STORED, genv INT GENERATED ALWAYS AS (id + 2) VIRTUAL%s)`

const everyColumn = "id,ti,tu,y,si,su,mi,mu,i,iu,bi,bu,f,d,dec1,dec2,dec3,dec4,b1,b9,b64,dt,t0,t1,t3,t6,dt0,dt2,dt4,dt6,ts0,ts3,ts6,c,c200,vc,vcl,bn,vb,tt,tx,mt,lt,tb,bl,mb,lb,en,s1,g"

var everyRow = []string{
	"1,-128,255,1901,-32768,65535,-8388608,16777215,-2147483648,4294967295,-9223372036854775808,18446744073709551615,1.1,-1e-300," +
		"12345678901234567890.0123456789,-99999,-12345678901234567890123456789012345.123456789012345678901234567890,-0.123456789,1,b'101010101',0xFFFFFFFFFFFFFFFE," +
		"'2026-12-31','-838:59:59','-00:00:00.1','12:34:56.789','-01:02:03.000001','9999-12-31 " +
		"23:59:59','2000-01-01 00:00:00.12','2000-01-01 00:00:00.1234','2000-02-29 12:13:14.123456'," +
		"'2026-01-29 10:00:00','2026-01-29 10:00:00.123','2026-01-29 10:00:00.000001','a  b','后端" +
		"','v','\u00e9\u00e8',0x0102,0x00FF00,'t','tx','mt','lt',0x00,0x01,0x02,0x03,'后" +
		"','x,z',ST_GeomFromText('POINT(1 2)')",
	"2,127,0,2155,32767,0,8388607,0,2147483647,0,9223372036854775807,0,-3.4e38,1.7976931348623157e308,-0.0000000001,99999,0.000000000000000000000000000001,0.999999999,0,0,1," +
		"'1000-01-01','838:59:59','00:00:00.9','-12:34:56.789','838:59:58.999999','1000-01-01 00:00:00','2000-01-01 " +
		"00:00:00','1999-12-31 23:59:59.9999','1999-12-31 23:59:59.999999'," +
		"'1970-01-01 00:00:01','2038-01-19 03:14:07.999','2038-01-19 03:14:07.999999','',REPEAT('长" +
		"',200),'',REPEAT('x',2000),x'',REPEAT(0xAB,300),'','','','',x'',x'',x'',x'',1,'',ST_GeomFromText('LINESTRING(0 0,1 1,2 2)')",
	"3" + strings.Repeat(",NULL", 49),
	"4,0,0,0,0,0,0,0,0,0,0,0,0,-0.0,0,0,0,0,0,0,0,'2000-00-00','0:0:0','0:0:0','0:0:0','0:0:0','0000-00-00 " +
		"00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00'," +
		"'0000-00-00','0000-00-00','0000-00-00','x','x','x','x',0x2020,'x',REPEAT('t',255),REPEAT('z',60000),REPEAT('m',70000),REPEAT('l',70000),0x00,0x01,0x02,0x03,2,'x,y,z',ST_GeomFromText('POINT(-1 -2)')",
}

// TestEveryTypeIsReadAsTheServerReadsIt compares row images with the rows of the table.
func TestEveryTypeIsReadAsTheServerReadsIt(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		levels := []string{"MINIMAL", "FULL"}
		if s.Flavour == "mariadb" {
			levels = append(levels, "NO_LOG")
		}
		for _, metadata := range levels {
			t.Run(metadata, func(t *testing.T) { everyTypeOn(t, s, metadata) })
		}
	})
}

func everyTypeOn(t *testing.T, s *testdb.Server, metadata string) {
	name := s.Schema(t)
	extra, mysql := "", s.Flavour == "mysql"
	if mysql {
		extra = ", j JSON, v VECTOR(3)"
	}
	setup := []string{
		"SET NAMES utf8mb4, sql_mode='', time_zone='+00:00', binlog_format=ROW",
		"SET GLOBAL binlog_row_metadata=" + metadata,
		fmt.Sprintf(everyType, extra),
		"FLUSH BINARY LOGS",
	}
	columns := everyColumn
	if mysql {
		columns += ",j,v"
	}
	for i, row := range everyRow {
		if mysql {
			row += "," + everyJSON[i] + ",STRING_TO_VECTOR('[1,2.5,-3]')"
		}
		setup = append(setup, "INSERT INTO every ("+columns+") VALUES ("+row+")")
	}
	setup = append(setup, "SET GLOBAL binlog_row_metadata=DEFAULT")
	s.Exec(t, name, setup...)
	path := currentLog(t, s)
	var got []domain.RowChange
	walkFile(t, path, func(i *Item) error {
		if i.What != Change {
			return nil
		}
		if n, err := i.Rows.Count(); err != nil || n != 1 {
			t.Errorf("%d rows counted, %v", n, err)
		}
		return i.Rows.Each(func(c domain.RowChange) error {
			for j := range c.After {
				c.After[j] = c.After[j].Clone()
			}
			got = append(got, c)
			return nil
		})
	})
	if len(got) != len(everyRow) {
		t.Fatalf("%d rows, want %d", len(got), len(everyRow))
	}
	compareWithTable(t, s, name, got, metadata)
}

var everyJSON = []string{
	`JSON_OBJECT('a', 1, 'bb', JSON_ARRAY(1.5, 1e20, -1e-20, 1.0, 100000000000000.0, 1e15, 0.00001, true, false, null), 'd', CAST('2026-01-29 10:11:12.5' AS DATETIME(6)), 'n', CAST(12.50 AS DECIMAL(5,2)), 'u', 18446744073709551615, 'm', -70000, 'p', 70000, 't', CAST('10:11:12' AS TIME), 'da', CAST('2026-01-29' AS DATE), 'x', x'00ff')`,
	`CONCAT('{"k":"', REPEAT('v', 70000), '","q":"a\\"b\\\\c\\n\\u0001后"}')`,
	`NULL`,
	`'[]'`,
}

func compareWithTable(t *testing.T, s *testdb.Server, name string, got []domain.RowChange, metadata string) {
	t.Helper()
	db := s.Open(t, name)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET NAMES utf8mb4, time_zone='+00:00', sql_mode=''"); err != nil {
		t.Fatal(err)
	}
	tables, err := schema.Tables(t.Context(), conn, name, "every")
	if err != nil {
		t.Fatal(err)
	}
	for r, change := range got {
		if err := Know(change.Table, tables[0]); err != nil {
			t.Fatal(err)
		}
		for i, col := range tables[0].Columns {
			v := change.After[i]
			if v.Absent { // a virtual column may be
				continue
			}
			v = Reread(v, change.Table.Columns[i], tables[0].Columns[i])
			rows, err := conn.QueryContext(
				t.Context(),
				"SELECT "+NowExpr(col)+" FROM every WHERE id = "+strconv.Itoa(r+1),
			)
			if err != nil {
				t.Fatal(err)
			}
			var now []byte
			for rows.Next() {
				if err := rows.Scan(&now); err != nil {
					t.Fatal(err)
				}
			}
			rows.Close()
			if same := SameNow(v, now, col); !same {
				t.Errorf(
					"row %d, %s (%s): the log has %.80q null %v, the table %.80q",
					r+1,
					col.Name,
					metadata,
					v.Text,
					v.Null,
					now,
				)
			}
		}
	}
}
