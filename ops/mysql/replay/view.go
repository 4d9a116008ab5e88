package replay

import (
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/sqlscan"
)

// alterView is an ALTER VIEW as the CREATE OR REPLACE VIEW that does the same; nil for other
// statements. Servers log it with its options before VIEW:
// ALTER ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW `v` AS …
func alterView(q *binlog.Query, t *sqlscan.Text) *binlog.Query {
	if !t.Is(0, "ALTER") || !t.Any(1, "ALGORITHM", "DEFINER", "SQL", "VIEW") {
		return nil
	}
	for i := 1; i < t.Len() && !t.Is(i, "AS"); i++ {
		if t.Is(i, "EVENT") {
			return nil
		}
		if t.Is(i, "VIEW") {
			now := *q
			now.SQL = append([]byte("CREATE OR REPLACE"), q.SQL[t.Tokens[0].End:]...)
			return &now
		}
	}
	return nil
}
