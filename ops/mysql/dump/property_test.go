package dump

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// columnKinds are declared types with values for them, as SQL literals.
var columnKinds = []struct {
	kind  string
	value func(r *rand.Rand) string
}{
	{"INT", func(r *rand.Rand) string { return strconv.Itoa(int(int32(r.Uint32()))) }},
	{"BIGINT UNSIGNED", func(r *rand.Rand) string { return strconv.FormatUint(r.Uint64(), 10) }},
	{"TINYINT(1)", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(2)) }},
	{"DECIMAL(30,10)", func(r *rand.Rand) string { return fmt.Sprintf("%d.%010d", int64(r.Uint64()>>8), r.IntN(1e9)) }},
	{"FLOAT", func(r *rand.Rand) string {
		f := math.Float32frombits(r.Uint32())
		if f != f || math.IsInf(float64(f), 0) {
			f = 1.5
		}
		return strconv.FormatFloat(float64(f), 'e', -1, 32)
	}},
	{"DOUBLE", func(r *rand.Rand) string {
		f := math.Float64frombits(r.Uint64())
		if f != f || math.IsInf(f, 0) {
			f = 0.1
		}
		return strconv.FormatFloat(f, 'e', -1, 64)
	}},
	{"VARCHAR(60) CHARACTER SET utf8mb4", randomText},
	{"TEXT CHARACTER SET utf8mb4", randomText},
	{"CHAR(60) CHARACTER SET utf8mb4", randomText},
	{"VARBINARY(300)", randomBytes},
	{"BLOB", randomBytes},
	{
		"VARCHAR(60) CHARACTER SET latin1",
		func(r *rand.Rand) string { return "_latin1 0x" + fmt.Sprintf("%x", rawBytes(r, 60)) },
	},
	{
		"VARCHAR(60) CHARACTER SET utf16",
		func(r *rand.Rand) string { return "CONVERT(" + randomText(r) + " USING utf16)" },
	},
	{"BIT(37)", func(r *rand.Rand) string { return strconv.FormatUint(r.Uint64()>>27, 10) }},
	{"DATETIME(6)", func(r *rand.Rand) string {
		return time.Unix(r.Int64N(4e9), r.Int64N(1e6)*1000).UTC().Format("'2006-01-02 15:04:05.000000'")
	}},
	{"TIMESTAMP(3) NULL", func(r *rand.Rand) string {
		return time.Unix(1+r.Int64N(2e9), r.Int64N(1e3)*1e6).UTC().Format("'2006-01-02 15:04:05.000'")
	}},
	{"TIME(2)", func(r *rand.Rand) string {
		return fmt.Sprintf("'-%d:%02d:%02d.%02d'", r.IntN(838), r.IntN(60), r.IntN(60), r.IntN(100))
	}},
	{"YEAR", func(r *rand.Rand) string { return strconv.Itoa(1901 + r.IntN(255)) }},
	{"ENUM('a','','it''s','中')", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(5)) }},
	{"SET('x','y''','z')", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(8)) }},
	{"JSON", func(r *rand.Rand) string {
		return schema.String(fmt.Sprintf(`{"a": %d, "b": [true, null, "%c\\\"'"]}`, r.IntN(1e6), 0x4e00+r.IntN(20000)))
	}},
}

func randomText(r *rand.Rand) string {
	special := []rune("'\"\\\x00\n\r\t\x1a;-#/*`%_() 客户😀é\u0301")
	var b strings.Builder
	for range r.IntN(60) {
		if r.IntN(2) == 0 {
			b.WriteRune(special[r.IntN(len(special))])
		} else {
			b.WriteRune(rune('a' + r.IntN(26)))
		}
	}
	return schema.String(b.String())
}

func rawBytes(r *rand.Rand, most int) []byte {
	b := make([]byte, 1+r.IntN(most-1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomBytes(r *rand.Rand) string { return fmt.Sprintf("0x%x", rawBytes(r, 300)) }

// TestRandomDatabasesComeBack prints its seed; OPSDECK_SEED repeats one.
func TestRandomDatabasesComeBack(t *testing.T) {
	seed := testenv.Seed(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		r := rand.New(rand.NewPCG(seed, 1))
		for range soak(3, 60) {
			w := newWorld(t, s, r)
			db := w.db
			for range 5 {
				w.table()
			}
			for range 4 + r.IntN(8) {
				w.object()
			}
			before := canon(t, s, db)
			path, m := dumped(t, s, Options{Databases: []string{db}, Compress: []string{"gzip", "zstd"}[r.IntN(2)]})
			reload(t, s, text(t, path, m), db)
			same(t, "mysqldump of the restored database", canon(t, s, db), before)
			_, again := dumped(t, s, Options{Databases: []string{db}})
			sameTables(t, again, m)
			loaded(t, s, path, db)
			same(t, "mysqldump of native dump and native load", canon(t, s, db), before)
			plain := filepath.Join(t.TempDir(), "plain.sql")
			if err := os.WriteFile(plain, s.Dump(t, "--routines", "--triggers", "--events", "--hex-blob", "--default-character-set=utf8mb4", "--databases", db), 0o600); err != nil {
				t.Fatal(err)
			}
			loaded(t, s, plain, db)
			same(t, "mysqldump of mysqldump and native load", canon(t, s, db), before)
			s.Exec(t, "", "DROP DATABASE "+schema.Ident(db))
		}
	})
}

// loaded drops a database and loads it again by ops/mysql/load.
func loaded(t *testing.T, s *testdb.Server, path, db string) {
	t.Helper()
	src, err := load.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	s.Exec(t, "", "DROP DATABASE `"+db+"`")
	if _, err := load.Run(t.Context(), target(s), src, load.Options{Schema: db, From: db, Definer: load.DefinerKeep, Events: true}); err != nil {
		t.Fatal(err)
	}
}
