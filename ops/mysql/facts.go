package mysql

import (
	"context"
	"database/sql"
	"time"

	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql/schema"
)

// Facts asks a server for what a doctor wants to know about it and a database.
// What the user may not see stays zero.
func Facts(ctx context.Context, t Target, database string) (doctor.Server, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return doctor.Server{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	l := &look{ctx: ctx, db: db, probe: Probe{Target: t}}
	s := doctor.Server{User: t.User, Engines: map[string]int{}, Flavour: "mysql"}
	began := time.Now()
	v, err := l.row(
		"SELECT VERSION() AS version, CURRENT_USER() AS user, UNIX_TIMESTAMP(NOW(6)) AS clock, @@GLOBAL.log_bin AS " +
			"binlog, @@GLOBAL.max_allowed_packet AS packet",
	)
	if err != nil {
		return s, Explain(err, t)
	}
	s.Took = time.Since(began)
	s.Asked = began.Add(s.Took / 2)
	s.Version, s.User, s.Binlog, s.MaxPacket = v["version"], v["user"], v["binlog"] == "1", number(v["packet"])
	s.Now = unixTime(v["clock"])
	if isMaria(s.Version) {
		s.Flavour = "mariadb"
	}
	if v, err := l.row("SELECT @@GLOBAL.log_bin_trust_function_creators AS trust"); err == nil {
		s.TrustCreators = v["trust"] == "1"
	}
	if v, err := l.row("SELECT @@GLOBAL.sql_require_primary_key AS need"); err == nil {
		s.RequireKey = v["need"] == "1"
	}
	if s.Grants, err = schema.Grants(ctx, db); err != nil {
		return s, Explain(err, t)
	}
	if err := l.tables(&s, database); err != nil {
		return s, Explain(err, t)
	}
	if s.Tables == 0 {
		n, err := l.column("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", database)
		s.NoDatabase = err == nil && len(n) == 1 && n[0] == "0"
	}
	l.definers(&s, database)
	if s.DetachedXA, err = DetachedXA(ctx, db); err == nil && s.DetachedXA > 0 {
		s.PreparedXA, err = PreparedXA(ctx, db)
		if err == nil && len(s.PreparedXA) == 0 {
			s.DetachedXA = 0 // they are ending
		}
	}
	return s, nil
}

// tables counts tables by what a backup thinks of them.
func (l *look) tables(s *doctor.Server, database string) error {
	rows, err := l.db.QueryContext(
		l.ctx,
		"SELECT t.ENGINE, COUNT(*), SUM(k.TABLE_NAME IS NULL) FROM information_schema.TABLES t "+
			"LEFT JOIN information_schema.TABLE_CONSTRAINTS k ON k.TABLE_SCHEMA = t.TABLE_SCHEMA AND k.TABLE_NAME = "+
			"t.TABLE_NAME AND k.CONSTRAINT_TYPE = 'PRIMARY KEY' "+
			"WHERE t.TABLE_SCHEMA = ? AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') GROUP BY t.ENGINE",
		database,
	)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var engine sql.NullString
		var n, keyless int
		if err := rows.Scan(&engine, &n, &keyless); err != nil {
			return err
		}
		s.Tables += n
		s.Keyless += keyless
		if engine.String != "InnoDB" {
			s.Engines[engine.String] += n
		}
	}
	return rows.Err()
}

// definers finds users that objects of the database run as and that are not there.
func (l *look) definers(s *doctor.Server, database string) {
	if v, err := l.rowOf("SELECT COUNT(*) AS n, COUNT(ROUTINE_DEFINITION) AS shown FROM information_schema.ROUTINES "+
		"WHERE ROUTINE_SCHEMA = ?", database); err == nil {
		s.Routines, s.ShownRoutines = int(number(v["n"])), int(number(v["shown"]))
	}
	if v, err := l.rowOf("SELECT COUNT(*) AS n FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?",
		database); err == nil {
		s.Triggers = int(number(v["n"]))
	}
	s.Privileges = privileges(l.ctx, l.db)
	grants, err := l.column("SELECT COUNT(*) FROM mysql.procs_priv WHERE Db = ? AND CONCAT(User, '@', Host) <> "+
		"CURRENT_USER()",
		database)
	s.RoutineGrantsUnknown = err != nil
	if len(grants) == 1 {
		s.RoutineGrants = int(number(grants[0]))
	}
	const all = "(SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? UNION " +
		"SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? UNION " +
		"SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? UNION " +
		"SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?) d "
	if definers, err := l.column("SELECT DISTINCT d.DEFINER FROM "+all+"ORDER BY 1", database, database, database,
		database); err == nil {
		s.Definers = definers
	}
	missing, err := l.column("SELECT DISTINCT d.DEFINER FROM "+all+
		"WHERE NOT EXISTS (SELECT 1 FROM mysql.user u WHERE CONCAT(CONVERT(u.User USING utf8mb4), '@', "+
		"CONVERT(u.Host USING utf8mb4)) COLLATE utf8mb4_bin = CONVERT(d.DEFINER USING utf8mb4) COLLATE utf8mb4_bin) "+
		"ORDER BY 1",
		database, database, database, database)
	s.MissingDefiners, s.DefinersUnknown = missing, err != nil
}
