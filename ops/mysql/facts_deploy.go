package mysql

import (
	"context"

	"opsdeck/ops/deploy"
)

// DeployFacts asks a server for what a service needs of it and of a database with
// that audit table.
func DeployFacts(ctx context.Context, t Target, database, audit string) (deploy.Server, error) {
	s := deploy.Server{Login: t.String(), Database: database, Audit: audit, Vars: map[string]string{}}
	db, err := Open(ctx, t, "")
	if err != nil {
		return s, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	l := &look{ctx: ctx, db: db, probe: Probe{Target: t}}
	if s.Vars, err = l.pairs("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format', " +
		"'sync_binlog', 'innodb_flush_log_at_trx_commit', 'slow_query_log', 'long_query_time', 'max_allowed_packet', " +
		"'max_connections')"); err != nil {
		return s, Explain(err, t)
	}
	status, err := l.pairs("SHOW GLOBAL STATUS WHERE Variable_name = 'Max_used_connections'")
	if err != nil {
		return s, Explain(err, t)
	}
	s.Connected = number(status["max_used_connections"])
	charset, err := l.column("SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
		database)
	if err != nil {
		return s, Explain(err, t)
	}
	if len(charset) == 1 {
		s.Charset = charset[0]
	}
	s.Other, err = l.column("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND "+
		"TABLE_COLLATION IS NOT NULL AND TABLE_COLLATION NOT LIKE 'utf8mb4%' AND TABLE_TYPE = 'BASE TABLE' "+
		"ORDER BY TABLE_NAME", database)
	if err != nil {
		return s, Explain(err, t)
	}
	return s, Explain(l.auditIndexes(&s, database), t)
}

// auditIndexes reads the columns and the indexes of the audit table.
func (l *look) auditIndexes(s *deploy.Server, database string) (err error) {
	s.Columns, err = l.column("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND "+
		"TABLE_NAME = ? ORDER BY ORDINAL_POSITION", database, s.Audit)
	if err != nil {
		return err
	}
	rows, err := l.rows("SELECT INDEX_NAME AS name, COLUMN_NAME AS col FROM information_schema.STATISTICS WHERE "+
		"TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX", database, s.Audit)
	if err != nil {
		return err
	}
	last := ""
	for _, r := range rows {
		if r["name"] != last || len(s.Indexes) == 0 {
			s.Indexes = append(s.Indexes, nil)
		}
		last = r["name"]
		at := len(s.Indexes) - 1
		s.Indexes[at] = append(s.Indexes[at], r["col"])
	}
	return nil
}
