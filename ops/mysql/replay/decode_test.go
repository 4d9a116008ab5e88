package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// said is a row change as mysqlbinlog prints it.
type said struct {
	verb   binlog.Verb
	table  string
	before map[int]string
	after  map[int]string
}

var (
	saidHead  = regexp.MustCompile("^### (INSERT INTO|UPDATE|DELETE FROM) `([^`]*)`\\.`([^`]*)`")
	saidValue = regexp.MustCompile(`^###   @(\d+)=(.*?)(?: /\* .* \*/)?$`)
)

// toolRows parses the rows of one database from mysqlbinlog's output, in order.
func toolRows(t *testing.T, text []byte, schema string) (all []said) {
	t.Helper()
	var now *said
	var image map[int]string
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		line := in.Text()
		if m := saidHead.FindStringSubmatch(line); m != nil {
			now = nil
			if m[2] == schema {
				verb := map[string]binlog.Verb{"INSERT INTO": binlog.Insert, "UPDATE": binlog.Update, "DELETE FROM": binlog.Delete}[m[1]]
				all = append(all, said{verb: verb, table: m[3]})
				now = &all[len(all)-1]
			}
			continue
		}
		switch {
		case now == nil:
		case line == "### WHERE":
			now.before = map[int]string{}
			image = now.before
		case line == "### SET":
			now.after = map[int]string{}
			image = now.after
		default:
			if m := saidValue.FindStringSubmatch(line); m != nil {
				n, _ := strconv.Atoi(m[1])
				image[n] = m[2]
			}
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRowsAreDecodedAsTheServersToolsDecodeThem compares every value of a random workload
// with mysqlbinlog -vv.
func TestRowsAreDecodedAsTheServersToolsDecodeThem(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		first := testenv.Seed(t)
		for i := range rounds(t, 1) {
			seed := first + uint64(i)
			t.Run(fmt.Sprintf("%x", seed), func(t *testing.T) {
				s.Exec(t, "", "FLUSH BINARY LOGS")
				w, m := randomWorld(t, s, seed, 0, false)
				m.plain = true
				m.workOn(t, w, 60, false)
				end := now(t, s)
				if end.File != w.stand.File {
					t.Skip("the log went on in another file")
				}
				tool := exec.Command(s.Tool(t, "mysqlbinlog"), "-vv", "--base64-output=decode-rows",
					fmt.Sprintf("--start-position=%d", w.stand.Pos), fmt.Sprintf("--stop-position=%d", end.Pos),
					filepath.Join(s.DataDir(), end.File))
				text, err := tool.Output()
				if err != nil {
					t.Fatal(err)
				}
				theirs := toolRows(t, text, w.live)
				values, at := 0, 0
				run := w.log(t)
				err = run.Each(t.Context(), run.From, func(binlog.Place, *format.Format) error { return nil },
					func(i *format.Item) error {
						if i.What == format.Begin && i.Group.File == end.File && i.Group.Pos >= end.Pos {
							return binarchive.ErrEnough
						}
						if i.What != format.Change || i.Rows.Map.Schema != w.live {
							return nil
						}
						return i.Rows.Each(func(c binlog.RowChange) error {
							if at >= len(theirs) {
								t.Fatalf("the tool has %d rows only", at)
							}
							values += sameRow(t, theirs[at], c)
							at++
							return nil
						})
					})
				if err != nil && err != binarchive.ErrEnough {
					t.Fatal(err)
				}
				if at != len(theirs) || at == 0 {
					t.Fatalf("%d rows, the tool has %d", at, len(theirs))
				}
				t.Logf("%d rows, %d values", at, values)
			})
		}
	})
}

func sameRow(t *testing.T, theirs said, c binlog.RowChange) (values int) {
	t.Helper()
	if theirs.verb != c.Verb || theirs.table != c.Table.Name {
		t.Fatalf("the tool has %s of %s, we %s of %s", theirs.verb, theirs.table, c.Verb, c.Table.Name)
	}
	for _, p := range []struct {
		theirs map[int]string
		ours   []binlog.Value
	}{{theirs.before, c.Before}, {theirs.after, c.After}} {
		if (p.theirs == nil) != (p.ours == nil) {
			t.Fatalf("%s of %s: an image is missing", c.Verb, c.Table.Name)
		}
		for i, v := range p.ours {
			text, there := p.theirs[i+1]
			if there == v.Absent {
				t.Fatalf("%s @%d: there %v, absent %v", c.Table.Name, i+1, there, v.Absent)
			}
			if there && !sameValue(text, v) {
				t.Errorf("%s @%d (%s): the tool says %.120q, we %.120q", c.Table.Name, i+1, c.Table.Columns[i].Type, text, v.Text)
			}
			values++
		}
	}
	return values
}

// sameValue compares a printed value with ours, at mysqlbinlog's precision.
func sameValue(text string, v binlog.Value) bool {
	ours := string(v.Text)
	switch {
	case text == "NULL" || v.Null:
		return text == "NULL" && v.Null
	case v.Kind == binlog.Float || v.Kind == binlog.Double:
		first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
		a, errA := strconv.ParseFloat(first, 64)
		b, errB := strconv.ParseFloat(ours, 64)
		exact := 1e-15
		if v.Kind == binlog.Float {
			exact = 1e-5
		}
		return errA == nil && errB == nil && (a == b || math.Abs(a-b) <= exact*math.Abs(b))
	case v.Kind == binlog.Number || v.Kind == binlog.Enum || v.Kind == binlog.Set:
		return sameNumber(text, ours)
	case v.Kind == binlog.Bits:
		return strings.TrimLeft(strings.Trim(text, "b'"), "0") == strings.TrimLeft(bitsOf(v.Text), "0")
	case v.Kind == binlog.Temporal:
		return sameTime(unquoted(text), ours)
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(text, "'"), "'") // MariaDB's tool does not escape backslashes
	return plain == ours || plain == controlsAsHex(ours) ||
		unquoted(text) == ours || strings.TrimRight(ours, "\x00") == unquoted(text)
}

// controlsAsHex is text as MariaDB's tool prints it: control bytes as \x00, the rest
// unchanged.
func controlsAsHex(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if text[i] < 0x20 {
			fmt.Fprintf(&out, `\x%02x`, text[i])
		} else {
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// sameNumber accepts -5 (251) as -5 and as 251, because mysqlbinlog does not know the
// signedness. A SET is printed in bits.
func sameNumber(text, ours string) bool {
	if bits, found := strings.CutPrefix(text, "b'"); found {
		n, err := strconv.ParseUint(strings.TrimSuffix(bits, "'"), 2, 64)
		return err == nil && strconv.FormatUint(n, 10) == ours
	}
	first, second, _ := strings.Cut(text, " ")
	return first == ours || strings.Trim(second, "()") == ours
}

func bitsOf(b []byte) string {
	var out strings.Builder
	for _, x := range b {
		fmt.Fprintf(&out, "%08b", x)
	}
	return out.String()
}

// sameTime compares the digits: mysqlbinlog prints dates with colons, and a TIMESTAMP as
// Unix seconds.
func sameTime(text, ours string) bool {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
	}
	if digits(text) == digits(ours) && strings.HasPrefix(text, "-") == strings.HasPrefix(ours, "-") {
		return true
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999", ours)
	return err == nil && strings.TrimRight(strings.TrimRight(text, "0"), ".") ==
		strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000), "0"), ".")
}

// unquoted removes the quotes and escapes.
func unquoted(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return s
	}
	s = s[1 : len(s)-1]
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			out.WriteByte(s[i])
			continue
		}
		if s[i+1] == 'x' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		i++
		if c, escaped := map[byte]byte{
			'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f', 'v': '\v', 'a': '\a', '0': 0,
		}[s[i]]; escaped {
			out.WriteByte(c)
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
