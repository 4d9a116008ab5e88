package logview

import (
	"testing"

	"opsdeck/ops/logs"
)

// TestErrorsAreSeenBesideABusyColumn: three errors are higher than the least mark
// where there is room, and the busy column stays the highest.
func TestErrorsAreSeenBesideABusyColumn(t *testing.T) {
	busy, bad := [7]int32{}, [7]int32{}
	busy[logs.LevelInfo] = 200_000
	bad[logs.LevelError] = 3
	for _, height := range []int{1, 3} {
		s := scaleOf([][7]int32{busy, {}, bad}, height)
		if got := s.eighths(3); !s.log || got < (height+1)/2 || got >= height*8 {
			t.Errorf("height %d: three errors are %d eighths high", height, got)
		}
		if s.eighths(200_000) != height*8 || s.eighths(0) != 0 {
			t.Errorf("height %d: the busy column is %d eighths, nothing %d", height, s.eighths(200_000), s.eighths(0))
		}
	}
	even := [7]int32{}
	even[logs.LevelInfo], even[logs.LevelError] = 20, 5
	if s := scaleOf([][7]int32{even, even}, 3); s.log || s.top != 25 {
		t.Errorf("%+v for even columns", s)
	}
}
