package load

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// readLoadData reads a file as the server's LOAD DATA does, with the options of
// converter.statement; the plain way. NULL is "\x00NULL".
func readLoadData(data []byte) (rows [][]string) {
	var row []string
	for len(data) > 0 {
		var field []byte
		enclosed, null := data[0] == '\'', false
		if enclosed {
			data = data[1:]
		}
	scan:
		for len(data) > 0 {
			c := data[0]
			switch {
			case c == '\\' && len(data) > 1:
				next := data[1]
				data = data[2:]
				switch next {
				case '0', 'b', 'n', 'r', 't', 'Z':
					next = map[byte]byte{'0': 0, 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'Z': 0x1a}[next]
				case 'N':
					null = true
				}
				field = append(field, next)
				continue
			case enclosed && c == '\'' && len(data) > 1 && data[1] == '\'':
				field, data = append(field, c), data[2:]
				continue
			case enclosed && c == '\'' && len(data) > 1 && (data[1] == ',' || data[1] == '\n'):
				data = data[1:]
				break scan
			case !enclosed && (c == ',' || c == '\n'):
				break scan
			}
			field, data = append(field, c), data[1:]
		}
		text := string(field)
		if !enclosed && text == "NULL" || null && len(field) == 1 {
			text = "\x00NULL"
		}
		row = append(row, text)
		if len(data) > 0 && data[0] == '\n' {
			rows, row = append(rows, row), nil
		}
		if len(data) > 0 {
			data = data[1:]
		}
	}
	return rows
}

const convertTable = "CREATE TABLE `t` (`a` varchar(99), `b` blob, `n` int, PRIMARY KEY (`n`)) ENGINE=InnoDB"

// checkConvert converts rows of one text and one blob and reads them back.
func checkConvert(t *testing.T, literals []string, want [][]string) {
	t.Helper()
	tab, err := sqlscan.ParseTable([]byte(convertTable), sqlscan.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	c := newConverter(tab)
	text := "\n-- rows\nINSERT INTO `t` (`a`,`b`,`n`) VALUES\n" + strings.Join(literals, ",\n") + ";\n"
	out, n, err := c.member(nil, []byte(text), tab)
	if err != nil || int(n) != len(literals) {
		t.Fatalf("%q: %d rows, %v", text, n, err)
	}
	if got := fmt.Sprintf("%q", readLoadData(out)); got != fmt.Sprintf("%q", want) {
		t.Fatalf("%q\nbecame %q\n got %s\nwant %q", text, out, got, want)
	}
}

func TestRowsForLoadDataMeanWhatTheInsertMeans(t *testing.T) {
	checkConvert(
		t,
		[]string{
			`('it\'s','x',-1)`,
			`('a''b',0x00FF27,2.5e-7)`,
			`(NULL,NULL,NULL)`,
			`('NULL','',0)`,
			`('\N','\N',1)`,
			`('50\%\_\\','\%',1)`,
			`('a,b\n(c)\0\Z','',1)`,
			"('tab\tand\nline',0x,3)",
		},
		[][]string{
			{"it's", "78", "-1"},
			{"a'b", "00FF27", "2.5e-7"},
			{"\x00NULL", "\x00NULL", "\x00NULL"},
			{"NULL", "", "0"},
			{"N", "4E", "1"},
			{`50\%\_\`, "5C25", "1"},
			{"a,b\n(c)\x00\x1a", "", "1"},
			{"tab\tand\nline", "", "3"},
		},
	)
}

func TestRowsThatLoadDataCannotCarryGoByInsert(t *testing.T) {
	tab, err := sqlscan.ParseTable([]byte(convertTable), sqlscan.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	const head = "INSERT INTO `t` (`a`,`b`,`n`) VALUES "
	for _, text := range []string{head + "(_gbk 0xBF5C,0x00,1);", head + "(0x41,0x41,1);", head + "('a',1,1);", head + "('a','b',f(1));", head + "('a','b');",
		head + "('a','b',1,2);", head + "('a','b',1)", head + "('a','b',1); DROP TABLE t;", head +
			"('a','b',1) ON DUPLICATE KEY UPDATE a=1;", "INSERT IGNORE INTO `t` (`a`) VALUES (1);",
		"INSERT INTO `t` VALUES (1,2,3);", "INSERT INTO `u` (`a`) VALUES (1);", "INSERT INTO `p`.`t` (`a`) " +
			"VALUES (1);", "USE x;", head + "(0x0,0x0,1);"} {
		c := newConverter(tab)
		if _, _, err := c.member(nil, []byte(text), tab); err == nil {
			t.Errorf("%s: converted", text)
		}
	}
}

func FuzzConvert(f *testing.F) {
	f.Add("it's", "\x00\xff'\\", "a\\'b")
	f.Add("NULL", "", "\\N")
	f.Fuzz(func(t *testing.T, text, raw, escaped string) {
		literals := []string{"(" + schema.String(text) + "," + string(schema.AppendHex(nil, []byte(raw))) + ",1)"}
		want := [][]string{{text, strings.ToUpper(hex.EncodeToString([]byte(raw))), "1"}}
		if q := "'" + escaped + "'"; quoteEnd([]byte(q), 0) == len(q) {
			value := string(sqlscan.Unquote(nil, []byte(q), sqlscan.Mode{}))
			literals = append(literals, "("+q+","+q+",NULL)")
			want = append(want, []string{value, strings.ToUpper(hex.EncodeToString([]byte(value))), "\x00NULL"})
		}
		checkConvert(t, literals, want)
	})
}

// odd makes a string of what is hard to carry.
func odd(r *rand.Rand, valid bool) string {
	pieces := []string{
		"'",
		"\"",
		"\\",
		"\x00",
		"\n",
		"\r",
		"\t",
		"\x1a",
		"%",
		"_",
		",",
		"(",
		")",
		";",
		"NULL",
		"\\N",
		"N",
		"客户",
		"😀",
		"e\u0301",
		"--",
		"/*",
		"`",
		" ",
		"a",
		"\b",
		"\u00a0",
	}
	if !valid {
		pieces = append(pieces, "\xff", "\xe4", "\xc3'", "\xf0\x9f", "\x80")
	}
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func TestRandomValuesComeBackThroughARealServer(t *testing.T) {
	n := 1500
	if os.Getenv("OPSDECK_SOAK") != "" {
		n = 60000
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		seed := testenv.Seed(t)
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 3))
		from := s.Schema(t)
		s.Exec(
			t,
			from,
			"CREATE TABLE r (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT CHARACTER SET utf8mb4, v VARCHAR(200) "+
				"CHARACTER SET utf8mb4, l VARCHAR(200) CHARACTER SET latin1, b BLOB, "+
				"vb VARBINARY(200), f FLOAT, d DOUBLE, bt BIT(13), e ENUM('a','''','\\\\',','), dt DATETIME(6), j "+
				"JSON)",
		)
		db := s.Open(t, from)
		stmt, err := db.Prepare("INSERT INTO r (t,v,l,b,vb,f,d,bt,e,dt,j) VALUES (?,?,?,?,?,?,?,?,?,?,?)")
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			v := odd(r, true)
			for !utf8.ValidString(v) {
				v = odd(r, true)
			}
			args := []any{
				odd(r, true),
				v,
				strings.Repeat("\xe9'\\"[1:], r.IntN(3)),
				[]byte(odd(r, false)),
				[]byte(odd(r, false)),
				float32(r.NormFloat64() * 1e5),
				r.NormFloat64() * 1e200,
				r.IntN(1 << 13),
				[]string{"a", "'", "\\", ","}[r.IntN(4)],
				fmt.Sprintf("20%02d-01-02 03:04:05.%06d", r.IntN(37), r.IntN(1e6)),
				`{"a":"\\u0000\n'` + "\\\\" + `"}`,
			}
			if r.IntN(5) == 0 {
				args[r.IntN(len(args))] = nil
			}
			if _, err := tx.Stmt(stmt).Exec(args...); err != nil {
				t.Fatalf("%q: %v", args, err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		// A row 0 beside bytes: MariaDB would give it a new number.
		s.Exec(t, from, "UPDATE r SET id = 0 WHERE id = 1")
		src := backedUp(t, s, dump.Options{Databases: []string{from}})
		for _, noLocal := range []bool{false, true} {
			o := Options{Schema: s.Schema(t), NoLocal: noLocal}
			rep := mustRun(t, s, src, o)
			if how := rep.Tables[0].How; how != map[bool]string{false: "load-data", true: "insert"}[noLocal] {
				t.Errorf("the rows went in by %s: %+v", how, rep.Notes)
			}
			mustVerify(t, s, src.Manifest, o.Schema)
		}
		// The same through mysqldump's text.
		copied := s.Schema(t)
		if _, err := Run(context.Background(), target(s), source(t, bytes.Clone(s.Dump(t, "--hex-blob", from))),
			Options{Schema: copied, From: from}); err != nil {
			t.Fatal(err)
		}
	})
}
