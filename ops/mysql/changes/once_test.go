package changes

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// A transaction that begins in one archive frame and ends in a later one is listed once,
// even if another transaction ends in the first of these frames.
func TestATransactionOverSeveralFramesIsListedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		target := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User,
			Password: s.Password}
		in := s.Schema(t)
		large := "INSERT INTO a VALUES (NULL, REPEAT('x', 640000))" // 640 kB, of 1 MB in a frame
		s.Exec(t, in, "CREATE TABLE a (i INT AUTO_INCREMENT PRIMARY KEY, b LONGTEXT)", "FLUSH BINARY LOGS",
			"SET SESSION binlog_format=ROW",
			"INSERT INTO a VALUES (NULL, 'small')",
			"BEGIN", large, large, large, large, "COMMIT",
			"INSERT INTO a VALUES (NULL, 'small')", "INSERT INTO a VALUES (NULL, 'small')")
		folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
		if _, err := binarchive.Run(t.Context(), binarchive.Options{Target: target, Folder: folder}); err != nil {
			t.Fatal(err)
		}
		src, err := OpenArchive(folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, largest := range []bool{false, true} {
			var rows []int64
			q := Query{Query: binlog.Query{Filter: binlog.Filter{Schema: in, Table: "a"}, Largest: largest}}
			err := src.List(t.Context(), q, func(tx *binlog.Transaction) error {
				for _, c := range tx.Tables {
					rows = append(rows, c.Inserted)
				}
				return nil
			})
			want := []int64{1, 1, 4, 1}
			if largest {
				want = []int64{4, 1, 1, 1}
			}
			// the first one is the CREATE TABLE, which changes no rows
			rows = slices.DeleteFunc(rows, func(n int64) bool { return n == 0 })
			if err != nil || !slices.Equal(rows, want) {
				t.Errorf("largest first %t: transactions of %v rows, want %v; %v", largest, rows, want, err)
			}
		}
		readsNoFurther(t, src)
	})
}

// readsNoFurther proves that what is read for a frame ends with it: a search that read to the
// file's end for each frame took minutes for a file of 100.
func readsNoFurther(t *testing.T, src *Source) {
	t.Helper()
	frames := 0
	for _, p := range src.pieces {
		r, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Frames() {
			frames++
			err := r.WalkTo(f.Start(), f.To, func(i *format.Item) error {
				if i.What == format.End && i.Group.End > f.To {
					t.Errorf("of a frame up to %d, a transaction up to %d", f.To, i.Group.End)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		r.Close()
	}
	if frames < 3 {
		t.Errorf("%d frames", frames)
	}
}
