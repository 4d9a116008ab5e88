package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestRewindOfTypesThatTheLogHasAsBytes has MariaDB's types that the log holds as bytes of
// fixed length: what is there is known as unchanged, found by its key, and written again.
// UUIDs of versions 1 and 7 are stored in another order than they are printed in.
func TestRewindOfTypesThatTheLogHasAsBytes(t *testing.T) {
	for name, s := range map[string]*testdb.Server{"mariadb": testdb.MariaDB(t), "mariadb11": testdb.MariaDB11(t)} {
		t.Run(name, func(t *testing.T) {
			config, schema := binlogWorld(t, s)
			const v1, v7 = "533a624e-ec40-11f1-9f6f-02fc00000001", "0190163d-8694-739b-aea5-966c26f8ad91"
			vector, values := "v VARBINARY(12)", "x'0000803f0000004000004040'"
			if name == "mariadb11" {
				vector = "v VECTOR(3)"
			}
			s.Exec(t, schema, "SET SESSION binlog_format=ROW",
				"CREATE TABLE k (u UUID PRIMARY KEY, ip INET6, ip4 INET4, n INT, "+vector+")",
				"INSERT INTO k VALUES ('"+v1+"','2001:db8::1','10.0.0.1',1,"+values+"), "+
					"('"+v7+"','::2','0.0.0.0',2,NULL), (UUID(),'::ffff:1.2.3.4',NULL,3,"+values+"), "+
					"('00000000-0000-0000-0000-000000000000','::','255.0.0.0',4,NULL)")
			before := word(t, s, schema)
			for _, change := range []string{"UPDATE k SET n = 9, ip = '::7' WHERE n < 3", "DELETE FROM k"} {
				s.Exec(t, schema, "SET SESSION binlog_format=ROW", change)
				after := word(t, s, schema)
				id := newestChange(t, config, "k")
				plan, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
				if !strings.Contains(plan, `"conflicts": 0`) || !strings.Contains(plan, "2001:db8::1") {
					t.Errorf("%s: %s", change, plan)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
				if got := word(t, s, schema); got != before {
					t.Fatalf("%s, rewound:\n%s\nwant\n%s", change, got, before)
				}
				asked(t, config, 0, "restore", "undo", "--confirm", schema)
				if got := word(t, s, schema); got != after {
					t.Fatalf("%s, undone:\n%s\nwant\n%s", change, got, after)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
			}
			for _, key := range []string{v1, v7} {
				out, _ := asked(t, config, 0, "audit", "changes", "--table", "k", "--key", key, "--json")
				if n := len(jsonLines(t, out)); n < 3 {
					t.Errorf("%s is in %d transactions: %s", key, n, out)
				}
			}
		})
	}
}
