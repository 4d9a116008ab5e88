package testdb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Random fills a database with random tables, rows, views, triggers, routines and
// events: all that r draws, and so the same for the same seed. Names, comments and
// values hold whatever may be in them.
func (s *Server) Random(t testing.TB, r *rand.Rand, db string) {
	t.Helper()
	w := &world{t: t, s: s, r: r, db: db}
	for range 5 {
		w.table()
	}
	for range 4 + r.IntN(8) {
		w.object()
	}
}

func ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// escaped makes text a literal under any sql_mode that lets backslashes escape.
var escaped = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, `\`, `\\`, "'", `\'`, "\x1a", `\Z`)

func literal(text string) string { return "'" + escaped.Replace(text) + "'" }

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
	{"TINYINT UNSIGNED ZEROFILL", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(256)) }},
	{"SMALLINT", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(65536) - 32768) }},
	{"MEDIUMINT", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(1<<24) - 1<<23) }},
	{"DATE", func(r *rand.Rand) string {
		return []string{"'0000-00-00'", "'2026-02-00'", "'1000-01-01'", "'9999-12-31'"}[r.IntN(4)]
	}},
	{"BINARY(9)", func(r *rand.Rand) string { return fmt.Sprintf("0x%x", rawBytes(r, 10)) }},
	{"TINYTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", randomText},
	{"LONGBLOB", randomBytes},
	{"VARCHAR(60) CHARACTER SET gbk", func(r *rand.Rand) string {
		return []string{"'客户'", `'\\'`, `'誠\\'`, "''", "'a''b'"}[r.IntN(5)]
	}},
	{"GEOMETRY", func(r *rand.Rand) string {
		return fmt.Sprintf("ST_GeomFromText('POINT(%d %d)')", r.IntN(90), r.IntN(90))
	}},
	{"JSON", func(r *rand.Rand) string {
		return literal(fmt.Sprintf(`{"a": %d, "b": [true, null, "%c\\\"'"]}`, r.IntN(1e6), 0x4e00+r.IntN(20000)))
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
	return literal(b.String())
}

func rawBytes(r *rand.Rand, most int) []byte {
	b := make([]byte, 1+r.IntN(most-1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomBytes(r *rand.Rand) string { return fmt.Sprintf("0x%x", rawBytes(r, 300)) }
