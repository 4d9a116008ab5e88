package binlog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	domain "opsdeck/ops/binlog"
)

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func eachEvent(t testing.TB, path string, take func(*Event)) {
	t.Helper()
	d := NewDecoder(bytes.NewReader(readAll(t, path)), 0, nil)
	for {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		take(e)
	}
}

func tryWalk(data []byte) error {
	d := NewDecoder(bytes.NewReader(data), 0, nil)
	w := NewWalker("binlog.000001", nil)
	for {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = w.Feed(e, d.Pos(), func(i *Item) error {
			if i.What != Change {
				return nil
			}
			return i.Rows.Each(func(domain.RowChange) error { return nil })
		})
		if err != nil {
			return err
		}
	}
}
