package mysql

import (
	"errors"
	"strings"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// TestLongValuesGoApart: only long literals of values become variables, decoded.
func TestLongValuesGoApart(t *testing.T) {
	digits := strings.Repeat("00FF", longLiteral)
	text := strings.Repeat(`\'a''`, longLiteral)
	in := "INSERT INTO `0x" + digits + "` VALUES (0x" + digits + ", _latin1 0x" + digits + ", 'it''s 0x', '" + text +
		"', 0x00FF)"
	want := "INSERT INTO `0x" + digits +
		"` VALUES (@opsdeck_value_1, (@opsdeck_value_2 COLLATE latin1_bin), 'it''s 0x', " +
		"(@opsdeck_value_3 COLLATE utf8mb4_bin), 0x00FF)"
	got, values := outsource(in)
	if got != want || len(values) != 3 {
		t.Fatalf("%.200s %d", got[strings.Index(got, "VALUES"):], len(values))
	}
	if string(values[0].bytes) != strings.Repeat("\x00\xff", longLiteral) || values[1].charset != "latin1" ||
		string(values[2].bytes) != strings.Repeat(`'a'`, longLiteral) {
		t.Error("the values are others")
	}
}

// TestAStatementLongerThanThePacket: every byte, and the characters of every charset, come
// to the server as they are; a value that is too long itself is not sent, and the session
// lives on.
func TestAStatementLongerThanThePacket(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Open(t, s.Schema(t))
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecContext(t.Context(), "CREATE TABLE a (b LONGBLOB, l LONGTEXT CHARACTER SET latin1, "+
			"g LONGTEXT CHARACTER SET gbk, w LONGTEXT CHARACTER SET utf16, u LONGTEXT CHARACTER SET utf8mb4, j JSON)"); err != nil {
			t.Fatal(err)
		}
		const packet = 64 << 10 // the server takes more; the values go in pieces of this
		all := make([]byte, 60<<10)
		for i := range all {
			all[i] = byte(i*7 + i>>8)
		}
		latin := strings.Repeat("\xe9\x80'\\\x00", 12<<10)
		gbk := strings.Repeat("\xc4\xe3'", 20<<10)
		wide := strings.Repeat("\xd8\x3d\xde\x00\x00a", 10<<10)
		utf := strings.Repeat("é😀'\\\"", 5<<10)
		doc := `{"a": "` + strings.Repeat("x", 60<<10) + `"}`
		hex := func(value string) string { return string(schema.AppendHex(nil, []byte(value))) }
		q := "INSERT INTO a VALUES (" + hex(string(all)) + ", _latin1 " + hex(latin) + ", _gbk " + hex(gbk) +
			", _utf16 " +
			hex(wide) + ", " + schema.String(utf) + ", " + schema.String(doc) + ")"
		if _, err := ExecLong(t.Context(), c, q, packet); err != nil {
			t.Fatal(err)
		}
		rows, err := schema.All(t.Context(), c, "SELECT b, CAST(l AS BINARY), CAST(g AS BINARY), CAST(w AS BINARY), "+
			"CAST(u AS BINARY), j FROM a")
		if err != nil || len(rows) != 1 {
			t.Fatal(len(rows), err)
		}
		for i, want := range []string{string(all), latin, gbk, wide, utf, doc} {
			if rows[0][i] != want {
				t.Errorf("value %d: %d bytes, not %d", i, len(rows[0][i]), len(want))
			}
		}
		long := "UPDATE a SET b = " + string(schema.AppendHex(nil, make([]byte, packet)))
		var tooLong *PacketError
		if _, err := ExecLong(t.Context(), c, long, packet); !errors.As(err, &tooLong) {
			t.Errorf("%v", err)
		}
		if !errors.As(FitsLong(long, packet), &tooLong) {
			t.Error("it is said to fit")
		}
		if one, err := schema.One(t.Context(), c, "SELECT LENGTH(b) FROM a"); err != nil || one != "61440" {
			t.Errorf("%s %v", one, err)
		}
	})
}

func TestATooLongStatementIsNoLostConnection(t *testing.T) {
	for _, err := range []error{&PacketError{Needs: 24 << 20, Limit: 16 << 20}, mysqldriver.ErrPktTooLarge,
		&mysqldriver.MySQLError{Number: errPacketTooLarge}} {
		var said *ops.Error
		if !errors.As(Explain(err, Target{Addr: "a:1"}), &said) ||
			!strings.Contains(said.What.String(), "max_allowed_packet") ||
			!strings.Contains(said.Hint.String(), "max_allowed_packet") || Circumstance(err) {
			t.Errorf("%v: %v", err, said)
		}
	}
	err := Explain(&PacketError{Needs: 24 << 20, Limit: 16 << 20}, Target{})
	var said *ops.Error
	if !errors.As(err, &said) || !strings.Contains(said.Hint.String(), "SET GLOBAL max_allowed_packet = 33554432") {
		t.Errorf("%v", err)
	}
}
