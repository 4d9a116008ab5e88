package rewind

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"opsdeck/ops/binlog"
)

func TestTheInverseIsReadBackWholeOrNotAtAll(t *testing.T) {
	rows := []binlog.NetRow{
		{Table: "a", Before: []binlog.Value{{Kind: binlog.Number, Text: []byte("1")}, {Kind: binlog.Text, Null: true}}},
		{Table: "b", After: []binlog.Value{{Kind: binlog.Bits, Text: []byte{0, 255}}, {Absent: true}}, Mixed: true},
		{Table: "b", Before: []binlog.Value{{Kind: binlog.Text}},
			After: []binlog.Value{{Kind: binlog.Text, Text: []byte("后")}}},
	}
	var kept bytes.Buffer
	if err := WriteInverse(&kept, rows); err != nil {
		t.Fatal(err)
	}
	whole := kept.Bytes()
	got, err := ReadInverse(bytes.NewReader(whole))
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range whole {
		if _, err := ReadInverse(bytes.NewReader(whole[:n])); !errors.Is(err, ErrInverse) {
			t.Fatalf("%d of %d bytes pass: %v", n, len(whole), err)
		}
	}
	var none bytes.Buffer
	if err := WriteInverse(&none, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadInverse(&none); err != nil || len(got) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
}
