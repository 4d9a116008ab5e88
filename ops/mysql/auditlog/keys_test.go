package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// keyed are tables whose key is no lone integer. $key is how a row's key is
// written in plain SQL, as the program shows it.
var keyed = map[string]struct{ ddl, key, order string }{
	"char":                          {`id CHAR(36) PRIMARY KEY, tenant INT NOT NULL, KEY (created_at)`, "id", "id"},
	"char without an index on time": {`id CHAR(36) PRIMARY KEY, tenant INT NOT NULL`, "id", "id"},
	"binary": {
		`id BINARY(16) PRIMARY KEY, tenant INT NOT NULL, KEY (created_at), KEY (user_id, created_at)`,
		"LOWER(HEX(id))",
		"id",
	},
	"per tenant": {
		`id BIGINT NOT NULL, tenant INT NOT NULL, PRIMARY KEY (tenant, id), KEY (created_at)`,
		"CONCAT(tenant, '\x1f', id)",
		"tenant DESC, id",
	},
	"uuid+time": {
		`id CHAR(36) NOT NULL, tenant INT NOT NULL, PRIMARY KEY (id, created_at)`,
		"id",
		"id",
	},
	"partitioned": {
		`id BIGINT AUTO_INCREMENT, tenant INT NOT NULL, PRIMARY KEY (id, created_at)`,
		"id",
		"id",
	},
}

// fillKeyed makes a keyed table and puts n rows in, many of the same time.
func fillKeyed(t testing.TB, srv *testdb.Server, schema, name string, n int) {
	t.Helper()
	null := "NULL"
	if strings.Contains(keyed[name].ddl, "created_at)") && strings.Contains(keyed[name].ddl, "KEY (id, created_at)") {
		null = "NOT NULL DEFAULT '2026-01-01'"
	}
	srv.Exec(
		t,
		schema,
		"CREATE TABLE audit_logs (user_id BIGINT, action VARCHAR(50), resource_type VARCHAR(50), resource_id "+
			"VARCHAR(100), new_value JSON, created_at TIMESTAMP(6) "+null+", "+keyed[name].ddl+")",
	)
	rng := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	for i := range n {
		at := start.Add(time.Duration(i/3) * 10 * time.Second).Format("2006-01-02 15:04:05.000000")
		when := "'" + at + "'"
		if null == "NULL" && rng.IntN(100) == 0 {
			when = "NULL"
		}
		uuid := fmt.Sprintf(
			"%08x-%04x-4%03x-8%03x-%012x",
			rng.Uint32(),
			rng.IntN(1<<16),
			rng.IntN(1<<12),
			rng.IntN(1<<12),
			rng.Uint64()>>16,
		)
		id := "'" + uuid + "'"
		switch name {
		case "binary":
			id = "UNHEX(REPLACE('" + uuid + "', '-', ''))"
		case "per tenant":
			id = fmt.Sprint(i / 2)
		case "partitioned":
			id = "NULL"
		}
		fmt.Fprintf(
			&b,
			", (%s, %d, %d, '%s', 'ORDER', '%d', '{\"a\": %d}', %s)",
			id,
			i%2,
			rng.IntN(4),
			actions[rng.IntN(6)],
			rng.IntN(20),
			i,
			when,
		)
	}
	srv.Exec(
		t,
		schema,
		"SET time_zone='+00:00'; INSERT INTO audit_logs (id, tenant, user_id, action, resource_type, resource_id, "+
			"new_value, created_at) VALUES "+b.String()[2:],
	)
}

func keysByPlainSQL(t testing.TB, db *sql.DB, name, cond string) (out []string) {
	t.Helper()
	rows, err := db.Query(
		"SELECT " + keyed[name].key + " FROM audit_logs WHERE " + cond + " ORDER BY created_at DESC, " +
			keyed[name].order + " DESC",
	)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			t.Fatal(err)
		}
		out = append(out, k)
	}
	return out
}

func readKeys(t testing.TB, s *Source, query string, limit int) (out []string) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	for req := (audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: limit}); ; {
		p, err := s.Page(context.Background(), req)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		for _, r := range p.Rows {
			key := r.Key
			if s.Layout().Numbered() {
				key = r.Name()
			}
			out = append(out, key)
		}
		if !p.More {
			return out
		}
		if req.Before, err = s.Layout().ParseCursor(s.Layout().Cursor(p.Next)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeysThatAreNoLoneIntegerPageAsPlainSQL(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		for name := range keyed {
			t.Run(name, func(t *testing.T) {
				schema := srv.Schema(t)
				fillKeyed(t, srv, schema, name, 400)
				s, db := open(t, srv, schema), utc(t, srv, schema)
				for _, q := range []asked{{"", "TRUE"}, {"user:2", "user_id = 2"}, {"user:1,3", "user_id IN (1, 3)"},
					{"resource:ORDER:7", "resource_id = '7'"},
					{"since:2026-01-01T00:05:00Z until:2026-01-01T00:15:00Z", "created_at >= '2026-01-01 00:05:00' " +
						"AND created_at < '2026-01-01 00:15:00'"}, {"action:DELETE -user:1", "action = 'DELETE' AND " +
						"user_id <> 1"}} {
					if got, want := readKeys(t, s, q.query, 7), keysByPlainSQL(t, db, name, q.sql); fmt.Sprint(
						got,
					) != fmt.Sprint(
						want,
					) {
						t.Fatalf("%q gives %d rows, plain SQL %d:\n%q\n%q", q.query, len(got), len(want), got, want)
					}
				}
				keyedExportAndArchive(t, srv, schema, s, db, name)
			})
		}
	})
}

// keyedExportAndArchive checks what else goes by key.
func keyedExportAndArchive(t *testing.T, srv *testdb.Server, schema string, s *Source, db *sql.DB, name string) {
	ctx := context.Background()
	for _, q := range []string{"", "action:UPDATE", "since:2026-01-01T00:05:00Z until:2026-01-01T00:15:00Z"} {
		f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(q)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Export(ctx, Export{Filter: f, Format: audit.JSONL, Path: filepath.Join(t.TempDir(), "x")})
		if want := len(readKeys(t, s, q, 1000)); err != nil || out.Rows != int64(want) {
			t.Fatalf("export %q: %+v, want %d: %v", q, out, want, err)
		}
		text, _ := os.ReadFile(out.Path)
		if n := strings.Count(string(text), "\n"); int64(n) != out.Rows {
			t.Fatalf("export %q: %d lines", q, n)
		}
	}
	srv.Exec(
		t,
		schema,
		"SET time_zone='+00:00'; UPDATE audit_logs SET created_at = '2025-06-01' WHERE action = 'REJECT'",
	)
	s.order.lane.alone(s.order.forget) // rows were changed under the proof
	want := keysByPlainSQL(t, db, name, "created_at < '2026-01-01'")
	p := plan(t, s, t.TempDir())
	made, err := s.Years().Make(ctx, p, "test", nil)
	if err != nil || made.Rows != int64(len(want)) {
		t.Fatalf("archive: %+v %v, want %d", made, err, len(want))
	}
	d, err := s.Years().Delete(ctx, p.File, 0, nil)
	if err != nil || d.Rows != int64(len(want)) || len(keysByPlainSQL(t, db, name, "created_at < '2026-01-01'")) != 0 {
		t.Fatalf("delete: %+v %v, want %d", d, err, len(want))
	}
}

func TestTheLiveListOfAKeyedTableGoesByTime(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		fillKeyed(t, srv, schema, "char", 300)
		s := open(t, srv, schema)
		p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 5})
		if err != nil || p.Strategy != audit.TimeOrder {
			t.Fatalf("%v %v", p.Strategy, err)
		}
		srv.Exec(
			t,
			schema,
			"SET time_zone='+00:00'; INSERT INTO audit_logs (id, tenant, action, created_at) VALUES ('0', 1, 'NEW', "+
				"'2026-02-01')",
		)
		rows, err := s.After(context.Background(), audit.Filter{}, p.Rows[0].Pos(), 100)
		if err != nil || len(rows) == 0 || rows[len(rows)-1].Name() != "0" || len(rows) > 5 {
			t.Fatalf("%d rows: %v", len(rows), err)
		}
		if got := string(s.Layout().Encode(&rows[len(rows)-1], true)); !strings.HasPrefix(got, `{"id":"0",`) {
			t.Fatal(got)
		}
		values, err := s.Values(context.Background(), audit.Action, "", 10)
		if err != nil || values[0].Rows == 0 || len(values) != 7 {
			t.Fatalf("%v %v", values, err)
		}
	})
}

// An id that AUTO_INCREMENT gave can be there twice where the key is (id, created_at).
func TestAnIDThatIsThereTwiceIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		fillKeyed(t, srv, schema, "partitioned", 300)
		s, db := open(t, srv, schema), utc(t, srv, schema)
		if p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 5}); err != nil ||
			p.Strategy != audit.ZoneOrder {
			t.Fatalf("%v %v", p.Strategy, err)
		}
		srv.Exec(
			t,
			schema,
			"SET time_zone='+00:00'; INSERT INTO audit_logs (id, tenant, created_at) VALUES (7, 0, '2026-01-01 "+
				"00:09:00')",
		)
		s = open(t, srv, schema)
		if got, want := readKeys(t, s, "", 7), keysByPlainSQL(t, db, "partitioned", "TRUE"); fmt.Sprint(
			got,
		) != fmt.Sprint(
			want,
		) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		_, err := s.Stats(context.Background(), audit.StatsRequest{Filter: audit.Filter{Since: start}}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestBinaryKeysAreAskedForAsUUIDs(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	fillKeyed(t, srv, schema, "binary", 50)
	s := open(t, srv, schema)
	all := readKeys(t, s, "", 100)
	k := all[3]
	dashed := strings.ToUpper(k[:8] + "-" + k[8:12] + "-" + k[12:16] + "-" + k[16:20] + "-" + k[20:])
	for _, q := range []string{"id:" + k, "id:" + dashed, "id:" + dashed[:18] + "*"} {
		if got := readKeys(t, s, q, 10); len(got) != 1 || got[0] != k {
			t.Fatalf("%s gives %v", q, got)
		}
	}
	if _, err := (audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}).Parse("id:xyz"); err == nil {
		t.Fatal("xyz is taken for bytes")
	}
}

func TestKeysThatCannotServeAreRefused(t *testing.T) {
	srv := testdb.MySQL(t)
	schema := srv.Schema(t)
	srv.Exec(
		t,
		schema,
		"CREATE TABLE loose (id VARCHAR(36), action TEXT, created_at DATETIME, KEY (id))",
		"CREATE TABLE odd (id DOUBLE PRIMARY KEY, action TEXT, created_at DATETIME)",
		"CREATE TABLE nothing (id INT, action TEXT, created_at DATETIME)",
	)
	for table, says := range map[string]string{"loose": "no unique index", "odd": "its type is double",
		"nothing": "no unique index"} {
		err := openErr(t, srv, schema, func(o *Options) { o.Table = table })
		if ops.CodeOf(err) != ops.Config || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", table, err)
		}
	}
	// Where no index is known at all, the configuration may vouch for the key.
	s := open(t, srv, schema, func(o *Options) { o.Table, o.Columns = "nothing", map[string]string{"id": "id"} })
	if len(s.Notes()) != 1 || !s.Layout().Trusted {
		t.Fatalf("%v", s.Notes())
	}
	srv.Exec(t, schema, "INSERT INTO nothing VALUES (1, 'A', '2026-01-01'), (2, 'B', '2026-01-01'), (3, 'C', NULL)")
	if got := readKeys(t, s, "", 2); fmt.Sprint(got) != "[2 1 3]" {
		t.Fatal(got)
	}
}
