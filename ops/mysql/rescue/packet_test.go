package rescue

import (
	"fmt"
	"testing"

	"opsdeck/internal/testdb"
)

// A row whose literals are longer than the packet comes back.
func TestARowLongerThanThePacketIsMerged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		var was int64
		if err := s.Open(t, live).QueryRow("SELECT @@GLOBAL.max_allowed_packet").Scan(&was); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Exec(t, "", fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", was)) })
		s.Exec(t, live, "CREATE TABLE a (id INT PRIMARY KEY, b LONGBLOB, l LONGTEXT CHARACTER SET latin1)",
			"INSERT INTO a VALUES (1, REPEAT(0x00FF27, 250000), REPEAT(0xE9, 100000)), (2, 'x', 'y')")
		before := text(t, s, live, "a")
		path := backupOf(t, s, live)
		s.Exec(t, live, "DELETE FROM a WHERE id = 2", "UPDATE a SET b = 'gone', l = NULL")
		r := open(t, s, live, path, "a")
		s.Exec(t, "", "SET GLOBAL max_allowed_packet = 1048576")
		n, err := r.Merge(t.Context(), all)
		if err != nil || n.Missing != 1 || n.Changed != 1 {
			t.Fatalf("%+v %v", n, err)
		}
		if after := text(t, s, live, "a"); after != before {
			t.Error("the rows differ from the backup")
		}
	})
}
