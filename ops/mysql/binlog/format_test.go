package binlog

import (
	"bytes"
	"path/filepath"
	"testing"
)

// A decoder reads the next event into the bytes of the one before: a format that looked into
// them took parts of rows for the lengths of heads, and a log that is whole was called damaged.
func TestAFormatOutlivesItsEvent(t *testing.T) {
	for _, file := range []string{"mysql97-binlog.000001", "mariadb1011-compressed-binlog.000002"} {
		d := NewDecoder(bytes.NewReader(readAll(t, filepath.Join("testdata", file))), 0, nil)
		e, err := d.Next()
		if err != nil || e.Type != TypeFormat {
			t.Fatalf("%s: %+v, %v", file, e, err)
		}
		own, err := ParseFormat(e)
		if err != nil {
			t.Fatal(err)
		}
		for i := range e.Raw {
			e.Raw[i] = 6
		}
		for _, f := range []*Format{own, d.Format()} {
			if n := f.postHeader(TypeTableMap); n != 8 {
				t.Errorf("%s: the head of a table map has %d bytes, not 8", file, n)
			}
		}
	}
}
