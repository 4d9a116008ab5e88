package sqlscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLongInsertIsCutBetweenRows(t *testing.T) {
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprintf("(%d,'a),(;b''%d','%s')", i, i, strings.Repeat("x", i%50)))
	}
	head := "INSERT IGNORE INTO `t` (`a`, `values`) VALUES"
	text := "SET x=1;" + head + "\n" + strings.Join(rows, ",\n") + ";\nSELECT 1"
	for _, cut := range []int{1, 100, 1000, 5000, 1 << 20} {
		list, err := split(text, same, Limits{Cut: cut})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, q := range list[1 : len(list)-1] {
			body, ok := strings.CutPrefix(q, head)
			if !ok {
				t.Fatalf("cut at %d: %q", cut, q[:60])
			}
			got = append(got, strings.TrimSpace(body))
		}
		if strings.Join(got, ",\n") != strings.Join(rows, ",\n") {
			t.Errorf("cut at %d: the rows differ", cut)
		}
		if cut < 5000 && len(list) < 5 {
			t.Errorf("cut at %d: %d statements", cut, len(list))
		}
	}
}

// endless is an INSERT of n rows, made as it is read.
type endless struct {
	n    int
	rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.n == 0 {
			return 0, io.EOF
		}
		e.n--
		e.rest = append(bytes.Repeat([]byte(",(1,'0123456789abcdef 0123456789abcdef')"), 1000), '\n')
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestAGigabyteStatementTakesLittleMemory(t *testing.T) {
	size := 64 << 20
	r := io.MultiReader(strings.NewReader("INSERT INTO t VALUES (0,'')"), &endless{n: size / 40000})
	sp := NewSplitter(r, Limits{Cut: 1 << 20})
	most := 0
	rows := 0
	for {
		st, err := sp.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(st.SQL, Mode{})
		if err != nil || p.Own().Name != "t" {
			t.Fatal(p, err)
		}
		n, ok := Literal(st.SQL, p.Tokens[p.Len()-1].End, Mode{})
		if !ok {
			t.Fatalf("not literal: %.80q", st.SQL)
		}
		rows += n
		most = max(most, cap(sp.buf))
	}
	if want := 1 + size/40000*1000; rows != want {
		t.Errorf("%d rows, want %d", rows, want)
	}
	if most > 4<<20 {
		t.Errorf("%d bytes of buffer for a statement of %d", most, size)
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for _, text := range []string{"CREATE TABLE t (a INT) COMMENT '" + long + "'", "INSERT INTO t VALUES (1),('" + long + "')",
		"INSERT INTO t VALUES " + strings.Repeat("(1),", 1<<20) + "(2) ON DUPLICATE KEY UPDATE a=1"} {
		if _, err := split(text, same, Limits{Cut: 1 << 20, Max: 2 << 20}); !errors.Is(err, ErrTooLong) &&
			!strings.Contains(text, "DUPLICATE") {
			t.Errorf("%.40q…: %v", text, err)
		}
	}
}

func TestStatementsAreFoundByTheirLine(t *testing.T) {
	sp := NewSplitter(strings.NewReader("\n-- c\n a;\n\n'x\ny'; b"), Limits{})
	for _, want := range []int{3, 5, 6} {
		st, err := sp.Next()
		if err != nil || st.Line != want {
			t.Errorf("%q: line %d, want %d (%v)", st.SQL, st.Line, want, err)
		}
	}
}

func TestModesChangeHowTextIsRead(t *testing.T) {
	sp := NewSplitter(strings.NewReader(`a 'x\'; b 'y'; c "z;";`), Limits{})
	sp.SetMode(ModeOf("NO_BACKSLASH_ESCAPES,ANSI_QUOTES"))
	var got []string
	for {
		st, err := sp.Next()
		if err != nil {
			break
		}
		got = append(got, string(st.SQL))
	}
	if strings.Join(got, "|") != `a 'x\'|b 'y'|c "z;"` {
		t.Errorf("%q", got)
	}
	gbk := "a '\xbf\x5c'; b '\x95\x5c';"
	sp = NewSplitter(strings.NewReader(gbk), Limits{})
	sp.SetMode(Mode{Wide: wideChinese})
	if st, err := sp.Next(); err != nil || string(st.SQL) != "a '\xbf\x5c'" {
		t.Errorf("%q %v", st.SQL, err)
	}
}

func TestAReadersErrorIsNotTheEnd(t *testing.T) {
	for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("disk")} {
		sp := NewSplitter(io.MultiReader(strings.NewReader("a; b"), iotest.ErrReader(broken)), Limits{})
		var err error
		for err == nil {
			_, err = sp.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("%v ends as %v", broken, err)
		}
	}
}
