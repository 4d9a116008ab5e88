package index

import (
	"slices"
	"testing"
)

// TestIDsAreThoseThatWereAdded: small, large and mixed, after a cut and a clear; a copy keeps
// its own.
func TestIDsAreThoseThatWereAdded(t *testing.T) {
	for name, want := range map[string][]uint32{
		"small": {0, 1, 65535, 7},
		"large": {65536, 1 << 31, 0},
		"mixed": {3, 65535, 65536, 3},
	} {
		got := makeIDs(2)
		all := func() (out []uint32) {
			for i := range got.Len() {
				out = append(out, got.At(i))
			}
			return out
		}
		for i, id := range want {
			before := got
			if got.add(id); before.Len() != i || got.Len() != i+1 || i > 0 && before.At(i-1) != want[i-1] {
				t.Errorf("%s: %d numbers, %d before, want %d", name, got.Len(), before.Len(), i+1)
			}
		}
		if got.trim(); !slices.Equal(all(), want) {
			t.Errorf("%s: %v, want %v", name, all(), want)
		}
		whole := got
		got.cut(1)
		got.add(9)
		if !slices.Equal(all(), []uint32{want[0], 9}) || whole.At(1) != want[1] {
			t.Errorf("%s: after a cut %v, the copy has %d", name, all(), whole.At(1))
		}
		got.clear()
		if got.add(70_000); !slices.Equal(all(), []uint32{70_000}) {
			t.Errorf("%s: after a clear %v", name, all())
		}
	}
}
