package walk

import (
	"testing"

	"opsdeck/tui/page"
)

func TestFaultsAreFound(t *testing.T) {
	size := page.Size{Width: 10, Height: 2}
	for view, want := range map[string]int{
		"ten cells.\n备份": 0, "1 备份": 1, "备份备份备份\n": 1, "备 %!d(x)\n": 1, "备 %d l\n": 1, "\x1b[31mred\x1b[m\n": 1,
		"备 5 % x\n": 0, "备 20 %\n": 0, "备 a an of\n": 0, "备 `ab is`\n": 0, "ab is ok\n备": 1,
	} {
		if got := faults(view, size, "zh"); len(got) != want {
			t.Errorf("%q: %q", view, got)
		}
	}
}
