package line

import (
	"strings"
	"testing"
	"time"
)

// TestAFormatIsLearnedFromASample: the format reads the lines it was made of.
func TestAFormatIsLearnedFromASample(t *testing.T) {
	for _, c := range []struct{ sample, want, open string }{
		{
			"29.01.2026 - 12:00:00 {1} till-a#456 paid twice\n29.01.2026 - 12:00:01 {3} till-b#457 paid\n  more\n29.01.2026 - 12:00:02 {3} till-b#458 paid\n",
			"2026-01-29T12:00:00Z UNKNOWN till-a paid twice", "1 3",
		},
		{
			"shop1 | 20260129120000 | WARN | (stock) low: 3\nshop1 | 20260129120001 | INFO | (orders) paid\nshop2 | 20260129120002 | INFO | (orders) paid\n",
			"2026-01-29T12:00:00Z WARN stock low: 3", "",
		},
		{
			"2026-01-29 12h00m00 E orders: lost\n2026-01-29 12h00m01 I orders: found\n2026-01-29 12h00m02 I stock: found\n",
			"2026-01-29T12:00:00Z ERROR orders lost", "",
		},
	} {
		var lines [][]byte
		for l := range strings.Lines(c.sample) {
			lines = append(lines, []byte(strings.TrimRight(l, "\n")))
		}
		p := NewParser(time.UTC, testNow)
		l := Learn("x", lines, p)
		if l == nil {
			t.Errorf("nothing is learned of %s", lines[0])
			continue
		}
		if l.Read != 3 || l.Lines != 3 || strings.Join(l.Open, " ") != c.open {
			t.Errorf("%s\nby %s %q: %d of %d, open %v", lines[0], l.Spec.Pattern, l.Spec.Time, l.Read, l.Lines, l.Open)
		}
		p.Wear(NewStyle(nil, []*Format{l.Format}, true))
		e, _ := p.Parse(lines[0])
		if got := e.Time.UTC().Format(time.RFC3339) + " " + e.Level.String() + " " + e.Context + " " +
			e.Message; got != c.want {
			t.Errorf("%s\nby %s\n got %s\nwant %s", lines[0], l.Spec.Pattern, got, c.want)
		}
	}
	if l := Learn("x", [][]byte{[]byte("no time"), []byte("none")}, NewParser(time.UTC, testNow)); l != nil {
		t.Errorf("of lines without a time %s is learned", l.Spec.Pattern)
	}
}

// TestALearnedFormatKeepsFractions of a second, by which lines of several logs are merged.
func TestALearnedFormatKeepsFractions(t *testing.T) {
	lines := [][]byte{
		[]byte("30.11.2026 12:00:01,123|W|pay-gw|late"),
		[]byte("30.11.2026 12:00:02,456|I|pay-gw|paid"),
		[]byte("30.11.2026 12:00:03,789|I|pay-gw|paid"),
	}
	p := NewParser(time.UTC, testNow)
	l := Learn("x", lines, p)
	if l == nil || l.Read != 3 {
		t.Fatalf("%+v", l)
	}
	p.Wear(NewStyle(nil, []*Format{l.Format}, true))
	if e, _ := p.Parse(lines[1]); e.Time.UTC().Format("15:04:05.000") != "12:00:02.456" {
		t.Errorf("by %s %q: %s", l.Spec.Pattern, l.Spec.Time, e.Time)
	}
}
