package restores

import (
	"reflect"
	"testing"

	"opsdeck/ops/binlog"
)

// keptRows are the rows in testdata/formats: a row of each kind of value, absent and null.
func keptRows() (rows []binlog.NetRow) {
	var image []binlog.Value
	for kind := binlog.Number; kind <= binlog.Typed; kind++ {
		image = append(image, binlog.Value{Kind: kind, Text: []byte{'1', byte(kind)}})
	}
	image = append(image, binlog.Value{Kind: binlog.Text, Null: true}, binlog.Value{Absent: true},
		binlog.Value{Kind: binlog.JSON, Text: []byte("1.50"), Exact: []byte("CAST('1.50' AS JSON)")})
	return []binlog.NetRow{
		{Table: "goods", Before: image},
		{Table: "goods", After: image, Mixed: true},
		{Table: "货", Before: image[:2], After: image[2:4]},
	}
}

// TestRewindsOfEachFormatAreRead reads what earlier versions kept to take a rewind back: the
// rows in the record itself, and in the file beside it. The kinds of values are numbers there.
func TestRewindsOfEachFormatAreRead(t *testing.T) {
	s := Rewinds{StateDir: "../../../testdata/formats/v1"}
	for id, want := range map[string][]binlog.NetRow{
		"rewind-20261129-023607-0001": keptRows()[:2],
		"rewind-20261129-140848-0001": keptRows(),
	} {
		r, err := s.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []binlog.NetRow
		err = s.Inverse(r)(func(row binlog.NetRow) error {
			got = append(got, row)
			return nil
		})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", id, err, got, want)
		}
	}
	kinds := []binlog.Kind{binlog.Number, binlog.Float, binlog.Double, binlog.Temporal, binlog.Text, binlog.Binary,
		binlog.JSON, binlog.Enum, binlog.Set, binlog.Bits, binlog.Typed}
	for number, kind := range kinds {
		if int(kind) != number {
			t.Errorf("a kind of values has the number %d now, and %d in kept files", kind, number)
		}
	}
}
