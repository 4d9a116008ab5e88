package restore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/redact"
)

// rowsOf parses rows from text: "1,a 2,NULL".
type rowsOf struct {
	rows [][]string
	at   int
	err  error
}

func parseRows(text string) *rowsOf {
	r := &rowsOf{at: -1}
	for _, row := range strings.Fields(text) {
		r.rows = append(r.rows, strings.Split(row, ","))
	}
	return r
}

func (r *rowsOf) Next() bool { r.at++; return r.at < len(r.rows) }
func (r *rowsOf) Err() error { return r.err }

func (r *rowsOf) Values() (out [][]byte) {
	for _, v := range r.rows[r.at] {
		if v == "NULL" {
			out = append(out, nil)
		} else {
			out = append(out, []byte(v))
		}
	}
	return out
}

func TestDiffFindsWhatIsMissingChangedAndNew(t *testing.T) {
	number := RescueTable{Columns: []RescueColumn{{Name: "id", Order: OrderNumber}, {Name: "v"}}, Key: []int{0}}
	text := RescueTable{Columns: []RescueColumn{{Name: "code"}, {Name: "v"}}, Key: []int{0}}
	both := RescueTable{
		Columns: []RescueColumn{{Name: "id", Order: OrderNumber}, {Name: "code"}, {Name: "v"}},
		Key:     []int{0, 1},
	}
	for _, c := range []struct {
		name         string
		table        RescueTable
		backup, live string
		want         string
	}{
		{"nothing", number, "", "", ""},
		{"the same", number, "1,a 2,NULL", "1,a 2,NULL", ""},
		{"all gone", number, "1,a 2,b", "", "missing 1, missing 2"},
		{"all new", number, "", "1,a 2,b", "added 1, added 2"},
		{"numbers by value", number, "-10,a -9,a 9,a 10,a", "-10,a 9,a", "missing -9, missing 10"},
		{"zerofill", number, "009,a 10,a", "9,a 010,b", "changed 10 [1]"},
		{"beyond int64", number, "18446744073709551614,a 18446744073709551615,a", "18446744073709551615,a",
			"missing 18446744073709551614"},
		{"text by bytes", text, "B,1 a,1 千,1", "a,2 b,1", "missing B, changed a [1], added b, missing 千"},
		{"NULL is not empty", number, "1,NULL 2,", "1, 2,NULL", "changed 1 [1], changed 2 [1]"},
		{"composite", both, "1,a,x 1,b,x 2,a,x", "1,b,y 2,a,x 2,b,x", "missing 1/a, changed 1/b [2], added 2/b"},
		{"ends mixed", number, "1,a 3,a 5,a", "2,a 3,a 4,a", "missing 1, added 2, added 4, missing 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			n, err := c.table.Diff(parseRows(c.backup), parseRows(c.live), func(d *Difference) error {
				line := d.Kind + " " + c.table.KeyText(d.Row())
				if d.Columns != nil {
					line += fmt.Sprint(" ", d.Columns)
				}
				got = append(got, line)
				return nil
			})
			if err != nil || strings.Join(got, ", ") != c.want {
				t.Errorf("%v: got %q, want %q", err, got, c.want)
			}
			if int(n.Missing+n.Changed+n.Added) != len(got) ||
				int(n.Same+n.Changed+n.Missing) != len(strings.Fields(c.backup)) {
				t.Errorf("counted %+v", n)
			}
		})
	}
}

func TestDiffTrustsNoOrderAndNoBrokenEnd(t *testing.T) {
	table := RescueTable{Columns: []RescueColumn{{Name: "id", Order: OrderNumber}}, Key: []int{0}}
	nothing := func(*Difference) error { return nil }
	var order *RescueOrderError
	for _, rows := range []string{"1 3 2", "1 1"} {
		if _, err := table.Diff(parseRows(rows), parseRows("1"), nothing); !errors.As(err, &order) ||
			order.Side != "backup" {
			t.Errorf("%s: %v", rows, err)
		}
		if _, err := table.Diff(parseRows("1"), parseRows(rows), nothing); !errors.As(err, &order) ||
			order.Side != "live table" {
			t.Errorf("%s: %v", rows, err)
		}
	}
	broken := parseRows("1 2")
	broken.err = errors.New("killed")
	if _, err := table.Diff(parseRows("1 2 3"), broken, nothing); err != broken.err {
		t.Errorf("a reader that was killed: %v", err)
	}
	stop := errors.New("stop")
	if _, err := table.Diff(parseRows("1"), parseRows(""), func(*Difference) error { return stop }); err != stop {
		t.Errorf("%v", err)
	}
}

func TestNumbersCompareByValue(t *testing.T) {
	ascending := []string{
		"-18446744073709551616",
		"-10.5",
		"-10.25",
		"-2",
		"-0.1",
		"0",
		"0.05",
		"0.1",
		"0.11",
		"2",
		"10",
		"10.001",
		"99999999999999999999.9",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			got := compareNumbers([]byte(a), []byte(b))
			if got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"1.50", "1.5"}, {"-0", "0"}, {"007", "7"}, {"0.00", "-0.0"}, {".5", "0.5"}} {
		if compareNumbers([]byte(same[0]), []byte(same[1])) != 0 {
			t.Errorf("%v are not the same", same)
		}
	}
}

func TestKeysAreNamedAsTheyAreShown(t *testing.T) {
	table := RescueTable{Columns: []RescueColumn{{Name: "a"}, {Name: "b", Binary: true}}, Key: []int{0, 1}}
	var list []string
	want := []string{`1/0x01`, `x\/y\,z\\/0x00FF`, `/0x`}
	for _, row := range [][][]byte{{[]byte("1"), {1}}, {[]byte(`x/y,z\`), {0, 0xff}}, {{}, {}}} {
		list = append(list, table.KeyText(row))
	}
	if !slices.Equal(list, want) {
		t.Errorf("got %q", list)
	}
	if got := SplitKeys(strings.Join(list, ", ")); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := SplitKeys(`a\`); !slices.Equal(got, []string{`a\`}) {
		t.Errorf("got %q", got)
	}
}

func TestSecretsOfARowAreMasked(t *testing.T) {
	for _, c := range []struct{ column, value, want string }{
		{"password_hash", "$2b$10$abc", redact.Mask},
		{"note", "dsn root:pw123@tcp(db)", "dsn root:" + redact.Mask + "@tcp(db)"},
		{"name", "千张", "千张"},
	} {
		if got := *(RescueColumn{Name: c.column}).Shown([]byte(c.value)); got != c.want {
			t.Errorf("%s: %s", c.column, got)
		}
	}
	if (RescueColumn{Name: "token"}).Shown(nil) != nil {
		t.Error("NULL is no secret")
	}
}
