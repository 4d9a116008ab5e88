package rewind

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// A row whose literals are longer than the packet comes back; a row that is longer itself is
// refused by the plan.
func TestARowLongerThanThePacket(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		var was int64
		if err := s.Open(t, db).QueryRow("SELECT @@GLOBAL.max_allowed_packet").Scan(&was); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Exec(t, "", fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", was)) })
		s.Exec(t, db, "SET SESSION binlog_format=ROW",
			"CREATE TABLE orders (id INT PRIMARY KEY, b LONGBLOB, l LONGTEXT CHARACTER SET latin1)",
			"INSERT INTO orders VALUES (1, REPEAT(0x00FF27, 250000), REPEAT(0xE9, 100000))")
		whole := sum(t, s, db)
		src, id := deleted(t, s, db)
		s.Exec(t, "", "SET GLOBAL max_allowed_packet = 1048576")
		c := connection(t, s, db)
		p, err := Make(t.Context(), src, c, db, Request{Txns: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), c, "", func(int, Changes) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := sum(t, s, db); got != whole {
			t.Errorf("%s, not %s", got, whole)
		}

		s.Exec(t, db, "SET SESSION binlog_format=ROW", "UPDATE orders SET b = REPEAT(LEFT(b, 3), 349400)")
		src, id = deleted(t, s, db)
		_, err = Make(t.Context(), src, c, db, Request{Txns: []string{id}})
		var long *mysql.PacketError
		var said *ops.Error
		if !errors.As(err, &long) || !errors.As(err, &said) ||
			!strings.Contains(said.What.String(), "id=1 of table orders") {
			t.Fatalf("%v", err)
		}
	})
}
