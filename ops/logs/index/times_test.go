package index

import (
	"slices"
	"testing"

	"opsdeck/ops/logs/line"
)

// TestTimesAreThoseThatWereAdded: near, far, unset, before 1970, and after a cut; a copy keeps
// its own.
func TestTimesAreThoseThatWereAdded(t *testing.T) {
	const now, day = 1769688000000, 86_400_000
	for name, want := range map[string][]int64{
		"near":    {now, now + 1, now - 20*day, line.Unset, now + 20*day},
		"far":     {line.Unset, now, now + 30*day, now},
		"earlier": {now, now - 400*day, line.Unset, now},
		"edges":   {now, now - nearRoom + 1, now - nearRoom, now},
		"old":     {-5, -now, 0, now},
		"unset":   {line.Unset, line.Unset},
	} {
		got := makeTimes(2)
		for i, ms := range want {
			before := got
			if got.add(ms); before.Len() != i || got.Len() != i+1 {
				t.Errorf("%s: %d times, %d before, want %d", name, got.Len(), before.Len(), i+1)
			}
			for k := range i {
				if before.At(k) != want[k] {
					t.Errorf("%s: a copy has %d at %d, want %d", name, before.At(k), k, want[k])
				}
			}
		}
		same := func(n int) {
			t.Helper()
			var all []int64
			for i := range got.Len() {
				all = append(all, got.At(i))
			}
			if !slices.Equal(all, want[:n]) {
				t.Errorf("%s: %v, want %v", name, all, want[:n])
			}
		}
		same(len(want))
		got.trim()
		same(len(want))
		whole := got
		got.cut(1)
		same(1)
		got.add(1)
		if whole.At(1) != want[1] {
			t.Errorf("%s: what was cut off is %d in a copy, want %d", name, whole.At(1), want[1])
		}
	}
}
