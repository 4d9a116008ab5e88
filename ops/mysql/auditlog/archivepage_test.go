package auditlog

import (
	"context"
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
	"opsdeck/ops/mysql/load"
)

// listArchive follows the pages of a query on an archive to its end.
func listArchive(t testing.TB, a Archive, query string, limit int) (ids []int64, read int64) {
	t.Helper()
	before := ""
	for {
		l, p, err := a.Page(context.Background(), func(l *audit.Layout) (f audit.Filter, at audit.Pos, err error) {
			at = audit.Newest()
			if before != "" {
				at, err = l.ParseCursor(before)
			}
			if err == nil {
				f, err = audit.Syntax{Layout: l, Now: start, Zone: time.UTC}.Parse(query)
			}
			return f, at, err
		}, limit)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		read = max(read, p.Scanned)
		for i := range p.Rows {
			ids = append(ids, p.Rows[i].ID)
		}
		if !p.More {
			return ids, read
		}
		before = l.Cursor(p.Next)
	}
}

func TestAnArchiveListsAsPlainSQLOnRandomFilters(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 900, 21)
		srv.Exec(t, schema, "SET time_zone='+00:00'; UPDATE audit_logs SET created_at = created_at - INTERVAL 1 YEAR")
		s, db := open(t, srv, schema), utc(t, srv, schema)
		p := plan(t, s, t.TempDir())
		if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
			t.Fatal(err)
		}
		foreign := filepath.Join(t.TempDir(), "audit_logs.sql")
		if err := os.WriteFile(foreign, srv.Dump(t, schema, "audit_logs"), 0o600); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(6, 6))
		for range 12 {
			q := randomQuery(rng, shape, 900)
			q.query = strings.ReplaceAll(strings.ReplaceAll(q.query, ":2026-", ":2025-"), "until:2027", "until:2026")
			q.sql = strings.ReplaceAll(q.sql, "'2026-", "'2025-")
			for _, a := range []struct {
				Archive
				cond string
			}{{s.Years().archive(p.File), "created_at >= '2025-01-01' AND created_at < '2026-01-01'"},
				{Archive{Path: foreign, Table: "audit_logs"}, "TRUE"}} {
				got, _ := listArchive(t, a.Archive, q.query, 50+rng.IntN(200))
				want := model(t, db, q.sql+" AND "+a.cond)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf(
						"%s: %q gives %d rows, plain SQL %d:\n%v\n%v",
						a.Path,
						q.query,
						len(got),
						len(want),
						got,
						want,
					)
				}
			}
		}
	})
}

func TestAPageOfAnArchiveReadsOnlyItsMembers(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	// Rows of about a kilobyte fill several members; two stand out of order.
	srv.Exec(
		t,
		schema,
		`SET time_zone='+00:00'; INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, user_agent, created_at) SELECT seq, seq % 5, 'X', 'Y', seq % 7, REPEAT('浏', 340), TIMESTAMP('2025-03-01') + INTERVAL seq MINUTE FROM seq_1_to_24000`,
		"SET time_zone='+00:00'; UPDATE audit_logs SET created_at = '2025-12-30' WHERE id = 11",
		"SET time_zone='+00:00'; UPDATE audit_logs SET created_at = '2025-01-02' WHERE id = 23990",
	)
	state := t.TempDir()
	s := open(t, srv, schema, func(o *Options) { o.StateDir = state })
	p := plan(t, s, t.TempDir())
	if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
		t.Fatal(err)
	}
	kept, _ := filepath.Glob(filepath.Join(state, "audit", "archive-*.json"))
	if len(kept) != 1 {
		t.Fatalf("kept %v", kept)
	}
	a, db := s.Years().archive(p.File), utc(t, srv, schema)
	page := func(query string) (got []int64, read int64) {
		_, pg, err := a.Page(context.Background(), func(l *audit.Layout) (audit.Filter, audit.Pos, error) {
			f, err := audit.Syntax{Layout: l, Now: start, Zone: time.UTC}.Parse(query)
			return f, audit.Newest(), err
		}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return ids(pg.Rows), pg.Scanned
	}
	for _, q := range []asked{{"", "TRUE"}, {"on:2025-03-09", "created_at >= '2025-03-09' AND created_at < " +
		"'2025-03-10'"}, {"on:2025-01-02", "created_at < '2025-02-01'"}} {
		got, read := page(q.query)
		want := model(t, db, q.sql)
		if fmt.Sprint(got) != fmt.Sprint(want[:min(10, len(want))]) || read > 20_000 || read == 0 {
			t.Fatalf("%q reads %d rows and gives %v, want %v", q.query, read, got, want[:min(10, len(want))])
		}
	}
	// Without the kept index the answer is the same; another archive's is not taken.
	if err := os.WriteFile(kept[0], []byte(`{"version":1,"of":"x","blocks":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := page(""); len(got) != 10 || got[0] != 11 {
		t.Fatal(got)
	}
	refusesADamagedMember(t, a)
}

func refusesADamagedMember(t *testing.T, a Archive) {
	src, err := load.Open(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := a.parts(src.Manifest)
	src.Close()
	data, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range parts.rows {
		data[m.Offset+m.Length/2] ^= 1
	}
	if err := os.WriteFile(a.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = a.Page(
		context.Background(),
		func(*audit.Layout) (audit.Filter, audit.Pos, error) { return audit.Filter{}, audit.Newest(), nil },
		10,
	)
	if ops.CodeOf(err) != ops.Failed || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("got %v", err)
	}
}

// Rows that no dump writes so are read too, and none twice.
func TestOddlyWrittenRowsOfAnArchiveAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.sql")
	text := "CREATE TABLE `x` (id INT);\nCREATE TABLE audit_logs (id INT PRIMARY KEY, action VARCHAR(9), " +
		"resource_id VARBINARY(9), created_at TIMESTAMP NULL);\n" +
		"INSERT INTO x VALUES (9);\nINSERT INTO `audit_logs` VALUES " +
		"(1,'a\\'b','\\0',NULL),(2,_utf8mb4'it''s',0xff,'2026-01-01 00:00:00'), (3 , 'c' , X'00' , '2026-01-02');\n" +
		"INSERT IGNORE INTO db.audit_logs (created_at, id, action) VALUES ('2026-01-03', 4, 'd'), /* so */ " +
		"('2026-01-04', +5, \"e\");\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := Archive{
		Path:  path,
		Table: "audit_logs",
	}.Scan(
		context.Background(),
		func(*audit.Layout) error { return nil },
		func(r *audit.Row) error {
			got = append(
				got,
				fmt.Sprintf("%d %s %s %s", r.ID, r.Get(audit.Action), r.Get(audit.ResourceID), r.Time.Format("0102")),
			)
			return nil
		},
	)
	if want := "[1 a'b 00 0101 2 it's ff 0101 3 c 00 0102 4 d  0103 5 e  0104]"; err != nil || fmt.Sprint(got) != want {
		t.Fatalf("%v %v", got, err)
	}
}
