package swap

import (
	"encoding/binary"
	"testing"

	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/schema"
)

// If there are more rows than are kept at a time, each is compared in exactly one part.
func TestRowsAreComparedInParts(t *testing.T) {
	was := mostRecords
	mostRecords = 100
	t.Cleanup(func() { mostRecords = was })
	row := func(n uint64) hashed {
		h := checksum.Row(binary.BigEndian.AppendUint64(nil, n))
		return hashed{key: h, row: h, count: 1}
	}
	var newer, compared int
	for part, parts := 0, 1; part < parts; part++ {
		b := newSide(&schema.Table{}, part, parts)
		b.canon = &canon{key: []int{0}}
		for n := range uint64(5000) {
			b.keep(row(n))
		}
		b.sort()
		if parts = b.parts; len(b.records) > mostRecords*3/2 {
			t.Errorf("part %d of %d keeps %d rows", part, parts, len(b.records))
		}
		for n := uint64(4990); n < 5020; n++ {
			r := row(n)
			if !b.mine(r.key) {
				continue
			}
			compared++
			if differs, _ := b.judge(r); differs {
				newer++
			}
		}
	}
	if compared != 30 || newer != 20 {
		t.Errorf("%d rows compared, %d newer, want 30 and 20", compared, newer)
	}
}
