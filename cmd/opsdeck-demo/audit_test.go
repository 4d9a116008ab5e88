package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/auditlog"
)

// otherServer is a server that speaks MySQL's protocol and is none: what audit
// needs beyond plain queries is missing or differs there.
func otherServer(t *testing.T) (*sql.DB, mysql.Target) {
	t.Helper()
	e, err := newEmbedded("secret")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	to := mysql.Target{
		Network:  "tcp",
		Addr:     fmt.Sprintf("%s:%d", e.at.host, e.at.port),
		User:     e.at.user,
		Password: e.at.password,
	}
	db, err := mysql.Open(context.Background(), to, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, to
}

var otherShapes = map[string]string{
	"documented": `CREATE TABLE %s (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL, user_name VARCHAR(255), action VARCHAR(50) NOT NULL,
		resource_type VARCHAR(50) NOT NULL, resource_id INT NOT NULL, changes JSON, created_at TIMESTAMP NULL)`,
	"current": `CREATE TABLE %s (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL, action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100),
		old_value JSON, new_value JSON, ip_address VARCHAR(50), created_at TIMESTAMP(6) NULL, KEY r (resource_type, resource_id), KEY u (user_id, created_at))`,
	"uuid": `CREATE TABLE %s (id CHAR(36) PRIMARY KEY, user_id BIGINT NULL, action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100),
		new_value JSON, created_at TIMESTAMP(6) NULL, KEY c (created_at))`,
}

func fillOther(t *testing.T, db *sql.DB, table, shape string, n int) {
	t.Helper()
	run := func(statement string) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement[:min(len(statement), 200)], err)
		}
	}
	run(fmt.Sprintf(otherShapes[shape], table))
	rng := rand.New(rand.NewPCG(1, 2))
	columns, more := "user_id, action, resource_type, resource_id, created_at", ""
	switch shape {
	case "documented":
		columns += ", user_name, changes"
	case "current":
		columns += ", old_value, new_value, ip_address"
	case "uuid":
		columns += ", id, new_value"
	}
	var rows []string
	for i := range n {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute)
		if i%40 == 0 {
			at = at.Add(-time.Duration(rng.IntN(300)) * time.Minute)
		}
		status := []string{"NEW", "张三", "50%_off"}[rng.IntN(3)]
		switch shape {
		case "documented":
			more = fmt.Sprintf(`, '用户', '{"status": {"old": "NEW", "new": "%s"}}'`, status)
		case "current":
			more = fmt.Sprintf(`, '{"status": "NEW"}', '{"status": "%s"}', '10.0.%d.1'`, status, i%3)
		case "uuid":
			more = fmt.Sprintf(`, '%08x-%04x', '{"status": "%s"}'`, rng.Uint32(), i, status)
		}
		rows = append(
			rows,
			fmt.Sprintf(
				"(%d, '%s', '%s', %d, '%s'%s)",
				rng.IntN(4),
				[]string{"CREATE", "UPDATE", "DELETE"}[rng.IntN(3)],
				[]string{"ORDER", "CUSTOMER"}[rng.IntN(2)],
				rng.IntN(9),
				at.Format("2006-01-02 15:04:05"),
				more,
			),
		)
	}
	run("INSERT INTO " + table + " (" + columns + ") VALUES " + strings.Join(rows, ", "))
}

func namesBySQL(t *testing.T, db *sql.DB, table, cond string) (out []string) {
	t.Helper()
	rows, err := db.Query("SELECT id FROM " + table + " WHERE " + cond + " ORDER BY created_at DESC, id DESC")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

func namesByPages(t *testing.T, s *auditlog.Source, query string) (out []string) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: time.Now(), Zone: time.UTC}.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	for req := (audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: 13}); ; {
		p, err := s.Page(context.Background(), req)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		for i := range p.Rows {
			out = append(out, p.Rows[i].Name())
		}
		if !p.More {
			return out
		}
		req.Before = p.Next
	}
}

// An audit source that only speaks the protocol: everything answers as plain
// SQL there does, and what the server lacks is told.
func TestAuditNeedsNoMoreThanMySQLsProtocol(t *testing.T) {
	db, to := otherServer(t)
	for shape := range otherShapes {
		t.Run(shape, func(t *testing.T) {
			table := "audit_" + shape
			fillOther(t, db, table, shape, 400)
			s, err := auditlog.Open(
				context.Background(),
				db,
				auditlog.Options{
					Target:  to,
					Schema:  database,
					Table:   table,
					MaxRows: 100_000,
					Timeout: 2 * time.Minute,
				},
			)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, n := range s.Notes() {
				t.Log(n.String())
			}
			if len(s.Notes()) == 0 {
				t.Error("the server lacks features, and nothing is told")
			}
			for query, cond := range map[string]string{"": "TRUE", "action:delete": "action = 'DELETE'",
				"user:2": "user_id = 2", "user:1,3 -action:CREATE": "user_id IN (1, 3) AND action <> 'CREATE'",
				"resource:ORDER:4": "resource_type = 'ORDER' AND resource_id = '4'", "since:2026-01-01T02:00:00Z " +
					"until:2026-01-01T04:00:00Z": "created_at >= '2026-01-01 02:00:00' AND created_at < '2026-01-01 04:00:00'", "type:CUST*": "resource_type LIKE 'CUST%'"} {
				if got, want := namesByPages(t, s, query), namesBySQL(t, db, table, cond); fmt.Sprint(
					got,
				) != fmt.Sprint(
					want,
				) {
					t.Errorf("%q gives %d rows, plain SQL %d:\n%v\n%v", query, len(got), len(want), got, want)
				}
			}
			if len(namesByPages(t, s, `text:"50%_off"`)) == 0 || len(namesByPages(t, s, "changed:status")) == 0 {
				t.Error("text or JSON is not searched")
			}
			restOfOther(t, db, s, table)
		})
	}
}

func restOfOther(t *testing.T, db *sql.DB, s *auditlog.Source, table string) {
	ctx := context.Background()
	trace, err := s.Trace(ctx, "ORDER", "4", true, nil)
	if want := namesBySQL(t, db, table, "resource_type = 'ORDER' AND resource_id = '4'"); err != nil ||
		len(trace.Timeline) != len(want) {
		t.Errorf("trace: %d rows, want %d: %v", len(trace.Timeline), len(want), err)
	}
	stats, err := s.Stats(ctx, audit.StatsRequest{Zone: time.UTC}, true, nil)
	if err != nil || stats.Rows != 400 || len(stats.ByAction) != 3 || len(stats.ByHour) == 0 {
		t.Errorf("stats: %+v %v", stats, err)
	}
	out, err := s.Export(ctx, auditlog.Export{Format: audit.CSV, Path: filepath.Join(t.TempDir(), "x.csv")})
	if err != nil || out.Rows != 400 {
		t.Errorf("export: %+v %v", out, err)
	}
	if v, err := s.Values(ctx, audit.Action, "", 10); err != nil || len(v) != 3 {
		t.Errorf("values: %v %v", v, err)
	}
	first, err := s.Page(ctx, audit.PageRequest{Before: audit.Newest(), Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := s.After(ctx, audit.Filter{}, first.Rows[0].Pos(), 10); err != nil {
		t.Errorf("after: %d rows, %v", len(rows), err)
	}
	year, err := s.Years().Plan(ctx, 2026, time.UTC, t.TempDir())
	if err != nil || year.Rows < 350 {
		t.Errorf("a year: %+v %v", year, err)
	}
}
