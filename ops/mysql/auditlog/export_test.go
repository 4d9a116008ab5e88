package auditlog

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

func TestExportWritesEveryRowOnce(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 4500, 4)
		s := open(t, srv, schema)
		db := utc(t, srv, schema)
		for i, q := range []asked{{"", "TRUE"}, {"action:DELETE", "action = 'DELETE'"},
			{"since:2026-01-02 until:2026-01-03", "created_at >= '2026-01-02' AND created_at < '2026-01-04'"},
			{"user:3", "user_id = 3"}} {
			f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(q.query)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), fmt.Sprint(i))
			got, err := s.Export(context.Background(), Export{Filter: f, Format: audit.JSONL, Path: path, Mask: true})
			if err != nil {
				t.Fatal(err)
			}
			if want := model(t, db, q.sql); got.Rows != int64(len(want)) || len(lines(t, path)) != len(want) {
				t.Fatalf(
					"%q: %d rows in the file, %d said, %d in the table",
					q.query,
					len(lines(t, path)),
					got.Rows,
					len(want),
				)
			}
			if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 || info.Size() != got.Bytes {
				t.Fatalf("mode %v, size %d, said %d", info.Mode(), info.Size(), got.Bytes)
			}
		}
	})
}

func lines(t *testing.T, path string) []int64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, l := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var r struct{ ID int64 }
		if err := json.Unmarshal(l, &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r.ID)
	}
	return out
}

func TestAnInterruptedExportGoesOnExactly(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 9000, 5)
		for _, format := range []audit.Format{audit.CSV, audit.JSONL} {
			s := open(t, srv, schema)
			path := filepath.Join(t.TempDir(), "x")
			whole := filepath.Join(t.TempDir(), "whole")
			ctx, cancel := context.WithCancel(context.Background())
			chunks := 0
			e := Export{Format: format, Path: path, Report: func(ops.Progress) {
				if chunks++; chunks == 2 {
					cancel()
				}
			}}
			if _, err := s.Export(ctx, e); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Fatal("a half export has its final name")
			}
			// What a crash wrote beyond the note is cut off again.
			f, err := os.OpenFile(path+".part", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString("half a li")
			f.Close()
			// Rows that came since do not belong to it.
			srv.Exec(
				t,
				schema,
				"INSERT INTO audit_logs (action, resource_type, created_at) VALUES ('LATER', 'X', NOW())",
			)
			e.Report = nil
			got, err := s.Export(context.Background(), e)
			if err != nil || !got.Resumed {
				t.Fatalf("%+v %v", got, err)
			}
			srv.Exec(t, schema, "DELETE FROM audit_logs WHERE action = 'LATER'")
			if _, err := s.Export(context.Background(), Export{Format: format, Path: whole}); err != nil {
				t.Fatal(err)
			}
			a, _ := os.ReadFile(path)
			b, _ := os.ReadFile(whole)
			if !bytes.Equal(a, b) {
				t.Fatalf("%s: %d bytes in two pieces, %d in one", format, len(a), len(b))
			}
			if _, err := os.Stat(path + ".part.json"); err == nil {
				t.Fatal("the note is left over")
			}
		}
	})
}

func TestExportRefusesToGoOnWithSomethingElse(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	fill(t, srv, schema, "current", 5000, 6)
	s := open(t, srv, schema)
	path := filepath.Join(t.TempDir(), "x")
	ctx, cancel := context.WithCancel(context.Background())
	_, _ = s.Export(ctx, Export{Query: "a", Format: audit.CSV, Path: path, Report: func(ops.Progress) { cancel() }})
	_, err := s.Export(context.Background(), Export{Query: "b", Format: audit.CSV, Path: path})
	if ops.CodeOf(err) != ops.Usage {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Export(context.Background(),
		Export{Query: "b", Format: audit.CSV, Path: path, Restart: true}); err != nil {
		t.Fatal(err)
	}
}

func TestCSVOpensRightInASpreadsheet(t *testing.T) {
	srv := testdb.MySQL(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	srv.Exec(
		t,
		schema,
		`INSERT INTO audit_logs (user_id, action, resource_type, resource_id, new_value, user_agent) VALUES
		(1, '=1+1', '张三, "李四"', '-5', '{"password": "hunter2", "name": "客户"}', '=cmd|/C calc'), (2, '@SUM(A1)', 'x', '+86 138', NULL, '\r=1')`,
	)
	s := open(t, srv, schema)
	path := filepath.Join(t.TempDir(), "x.csv")
	if _, err := s.Export(context.Background(), Export{Format: audit.CSV, Path: path, Mask: true}); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	text, ok := strings.CutPrefix(string(data), "\ufeff")
	if !ok || strings.Contains(text, "hunter2") {
		t.Fatalf("no byte order mark, or a secret: %q", text)
	}
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(all) != 3 {
		t.Fatalf("%v %v", all, err)
	}
	col := func(row int, f audit.Field) string {
		for i, name := range all[0] {
			if name == f.String() {
				return all[row][i]
			}
		}
		return "?"
	}
	for _, c := range []struct {
		row  int
		f    audit.Field
		want string
	}{{1, audit.Action, "'=1+1"}, {1, audit.ResourceType, `张三, "李四"`}, {1, audit.ResourceID, "-5"},
		{1, audit.UserAgent, "'=cmd|/C calc"}, {2, audit.Action, "'@SUM(A1)"}, {2, audit.ResourceID, "'+86 138"}} {
		if got := col(c.row, c.f); got != c.want {
			t.Errorf("row %d %s: %q, want %q", c.row, c.f, got, c.want)
		}
	}
}

// TestAnExportGoesToAFileInAFolder, and not to a device, which nobody is told to remove.
func TestAnExportGoesToAFileInAFolder(t *testing.T) {
	for path, want := range map[string][2]string{
		"/dev/full":                             {"/dev/full is not a file", "standard output"},
		filepath.Join(t.TempDir(), "no", "csv"): {"there is no folder", "make the folder"},
	} {
		_, err := (&Source{}).Export(t.Context(), Export{Path: path})
		var known *ops.Error
		if !errors.As(err, &known) || !strings.Contains(known.What.String(), want[0]) ||
			!strings.Contains(known.Hint.String(), want[1]) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
