package cells

import "testing"

func TestCutCountsCells(t *testing.T) {
	for _, c := range []struct {
		in   string
		w    int
		want string
	}{{"客户有限公司", 6, "客户…"}, {"客户有限公司", 5, "客户…"}, {"客户", 4, "客户"}, {"abc", 0, ""}, {"abcdef", 4, "abc…"},
		{"\x1b[31mabcdef\x1b[m", 4, "\x1b[31mabc…\x1b[m"}} {
		if got := Cut(c.in, c.w); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestEndsAreApart(t *testing.T) {
	for _, c := range []struct {
		w    int
		want string
	}{{12, "left   right"}, {10, "left right"}, {9, "le… right"}} {
		if got := Ends("left", "right", c.w); got != c.want {
			t.Errorf("%d: %q", c.w, got)
		}
	}
}

func TestPadIsExact(t *testing.T) {
	for _, s := range []string{"", "a", "客户有限公司", "e\u0301", "a客b户c", "👨\u200d👩\u200d👧x"} {
		for w := range 12 {
			if got := Width(Pad(s, w)); got != w {
				t.Errorf("Pad(%q, %d) is %d wide", s, w, got)
			}
			if got := Width(PadLeft(s, w)); got != w {
				t.Errorf("PadLeft(%q, %d) is %d wide", s, w, got)
			}
			if got := Width(Ends(s, "ab", 4+w)); got != 4+w {
				t.Errorf("Ends(%q, ab, %d) is %d wide", s, 4+w, got)
			}
			if got := Width(CutLeft(s, w)); got > w {
				t.Errorf("CutLeft(%q, %d) is %d wide", s, w, got)
			}
		}
	}
}
