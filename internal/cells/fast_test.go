package cells

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestFastWidthOfEveryRuneIsTheFullAlgorithms(t *testing.T) {
	seen := 0
	for r := rune(0); r <= 0x10ffff; r++ {
		for _, s := range []string{string(r), "客" + string(r) + "a", "\x1b[1;31m" + string(r) + "\x1b[m"} {
			got, ok := fastWidth(s)
			if !ok {
				continue
			}
			seen++
			if want := ansi.StringWidth(s); got != want {
				t.Fatalf("U+%04X in %q: %d, want %d", r, s, got, want)
			}
		}
	}
	if seen < 50_000 {
		t.Fatalf("only %d texts went the fast way", seen)
	}
}

func FuzzFastWidth(f *testing.F) {
	for _, s := range []string{"plain", "客户 ●✖", "\x1b[31mx\x1b[0m", "e\u0301", "\x1b]8;;x\a", "한글", "👨‍👩‍👧", "\x1b[",
		"✖\ufe0f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := fastWidth(s); ok && got != ansi.StringWidth(s) {
			t.Fatalf("%q: %d, want %d", s, got, ansi.StringWidth(s))
		}
	})
}

var styled = "\x1b[32m● ok\x1b[0m        health     <5 ms  ▁▁▂▁▁▁▁▁  ━━━━━━━━━━━━━━━━  up since 2026-01-28 12:05 客户有限公司"

func BenchmarkWidth(b *testing.B) {
	for b.Loop() {
		Width(styled)
	}
}
