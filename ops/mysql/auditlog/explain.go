package auditlog

import (
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// Error numbers that matter here, beside those of package mysql.
const (
	errQueryTimeout     = 3024 // MySQL: MAX_EXECUTION_TIME exceeded
	errStatementTimeout = 1969 // MariaDB: max_statement_time exceeded
	errMaxExecTime      = 1907 // TiDB: the same as 3024
)

// explain makes an *ops.Error of whatever went wrong.
func (l *lane) explain(err error) error {
	if errors.Is(err, errOverTime) {
		return ops.E(ops.Failed, lang.M("the query ran longer than %s, its time limit, and was killed", l.limit())).
			WithHint(lang.M("narrow the query, or raise audit.timeout in the configuration"))
	}
	if overTime(err) {
		return ops.Wrap(err, ops.Failed, lang.M("the server ended the query after %s, its time limit", l.opt.Timeout)).
			WithHint(lang.M("narrow the query, or raise audit.timeout in the configuration"))
	}
	switch mysql.Number(err) {
	case mysql.ErrNoSuchTable:
		return ops.Wrap(err, ops.Config, lang.M("there is no table %s in the database %s", l.opt.Table, l.opt.Schema)).
			WithHint(lang.M("name the audit table as audit.table in the configuration"))
	case mysql.ErrTableAccessDenied, mysql.ErrDBAccessDenied:
		return ops.Wrap(err, ops.Config,
			lang.M("the user %s has no permission to read %s", l.opt.Target.User, l.opt.Schema+"."+l.opt.Table)).
			WithHint(lang.M("the privilege needed is: GRANT SELECT ON %s", l.opt.name()))
	}
	return mysql.Explain(err, l.opt.Target)
}
