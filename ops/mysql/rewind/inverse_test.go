package rewind

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"opsdeck/ops/binlog"
)

// changesOf are some changes as what reads them from a file.
func changesOf(rows []binlog.NetRow) Changes {
	return func(take func(binlog.NetRow) error) error {
		for _, r := range rows {
			if err := take(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func readAll(from io.Reader) (rows []binlog.NetRow, err error) {
	err = ReadInverse(from, func(r binlog.NetRow) error {
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

func TestTheInverseIsReadBackWholeOrNotAtAll(t *testing.T) {
	rows := []binlog.NetRow{
		{Table: "a", Before: []binlog.Value{{Kind: binlog.Number, Text: []byte("1")}, {Kind: binlog.Text, Null: true}}},
		{Table: "b", After: []binlog.Value{{Kind: binlog.Bits, Text: []byte{0, 255}}, {Absent: true}}, Mixed: true},
		{Table: "j", Before: []binlog.Value{{Kind: binlog.JSON, Text: []byte("1.50"), Exact: []byte("CAST")}}},
		{Table: "b", Before: []binlog.Value{{Kind: binlog.Text}},
			After: []binlog.Value{{Kind: binlog.Text, Text: []byte("后")}}},
	}
	var kept bytes.Buffer
	if err := WriteInverse(&kept, len(rows), changesOf(rows)); err != nil {
		t.Fatal(err)
	}
	whole := kept.Bytes()
	got, err := readAll(bytes.NewReader(whole))
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range whole {
		if _, err := readAll(bytes.NewReader(whole[:n])); !errors.Is(err, ErrInverse) {
			t.Fatalf("%d of %d bytes pass: %v", n, len(whole), err)
		}
	}
	var none bytes.Buffer
	if err := WriteInverse(&none, 0, changesOf(nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(&none); err != nil || len(got) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
}
