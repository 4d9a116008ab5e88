package index

import (
	"slices"
	"testing"
)

// TestStartsAreThoseThatWereAdded: lines near each other and far apart, more than a group,
// after a cut and a clear; a copy keeps its own.
func TestStartsAreThoseThatWereAdded(t *testing.T) {
	every := func(n int, step uint32) (out []uint32) {
		for i := range n {
			out = append(out, uint32(i)*step)
		}
		return out
	}
	for name, want := range map[string][]uint32{
		"near":  every(1000, 130),
		"edge":  every(3*group, 1040),
		"over":  every(3*group, 1041),
		"mixed": append(every(200, 3), 70_000, 70_001, 4<<20),
		"group": every(group+1, 5),
	} {
		got := makeStarts(2)
		for i, at := range want {
			before := got
			if got.add(at); before.Len() != i || got.Len() != i+1 || i > 0 && before.At(i-1) != want[i-1] {
				t.Fatalf("%s: %d offsets, %d before, want %d", name, got.Len(), before.Len(), i+1)
			}
		}
		all := func() (out []uint32) {
			for i := range got.Len() {
				out = append(out, got.At(i))
			}
			return out
		}
		if got.trim(); !slices.Equal(all(), want) {
			t.Errorf("%s: %v", name, all())
		}
		for _, n := range []int{group, 1} {
			whole := got
			got.cut(n)
			got.add(want[n] + 1)
			if !slices.Equal(all(), append(slices.Clone(want[:n]), want[n]+1)) || whole.At(n) != want[n] {
				t.Errorf("%s: after a cut to %d, the copy has %d, want %d", name, n, whole.At(n), want[n])
			}
			got = whole
		}
		got.clear()
		if got.add(70_000); !slices.Equal(all(), []uint32{70_000}) {
			t.Errorf("%s: after a clear %v", name, all())
		}
	}
}
