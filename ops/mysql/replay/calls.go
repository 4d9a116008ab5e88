package replay

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/sqlscan"
)

// calls decides on SELECT f(…), which servers log for a function that changes rows. Which
// tables it changes is not known.
func (j *judge) calls(q *binlog.Query, t *sqlscan.Text) (decided, lang.Msg) {
	if len(j.scope) > 0 {
		return decided{}, lang.M("only some tables are restored, and it is not known which ones it changes: %s",
			short(q.SQL))
	}
	sql, why := j.rewritten(q, t)
	if !why.Empty() {
		return decided{}, why
	}
	return decided{kind: rowsOf, sql: sql, fewer: true}, lang.Msg{}
}
