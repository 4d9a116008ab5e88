package backup

import (
	"fmt"
	"testing"
	"time"
)

func TestABackupThatGrowsOrShrinksByHalfJumps(t *testing.T) {
	inventory := func(rows ...int64) *Inventory { // newest first
		inv := &Inventory{}
		for i, n := range rows {
			at := time.Date(2026, 1, 30-i, 2, 0, 0, 0, time.UTC)
			inv.Sets = append(inv.Sets, &Set{
				Name: fmt.Sprint(i), Tier: Daily, Database: "shop", At: at, Size: 10 << 20, State: Good,
				ID:     FileID{Inode: uint64(i + 1)},
				Engine: "native", Summary: Summary{Engine: "native", Rows: n},
			})
		}
		return inv
	}
	for _, c := range []struct {
		rows          []int64
		jumped, known bool
	}{
		{[]int64{1000, 1000, 1000, 1000, 1000}, false, true},
		{[]int64{1500, 1000, 1000, 1000, 1000}, true, true},
		{[]int64{1490, 1000, 1000, 1000, 1000}, false, true},
		{[]int64{500, 1000, 1000, 1000, 1000}, true, true},
		{[]int64{510, 1000, 1000, 1000, 1000}, false, true},
		{[]int64{1000, 1000, 1000, 1000, 1000, 9000}, false, true}, // the fifth does not count
		{[]int64{60, 30, 30, 30}, false, true},                     // not worth a word
		{[]int64{9000, 1000}, false, false},
		{[]int64{9000}, false, false},
	} {
		inv := inventory(c.rows...)
		j, jumped, known := inv.Jumps(inv.Sets[0])
		if jumped != c.jumped || known != c.known {
			t.Errorf("%v: jumped %v, known %v (%s)", c.rows, jumped, known, j.Text())
		}
	}
	inv := inventory(1000, 1000, 1000)
	inv.Sets[0].Size = 20 << 20
	if _, jumped, _ := inv.Jumps(inv.Sets[0]); !jumped {
		t.Error("twice the size is no jump")
	}
}
