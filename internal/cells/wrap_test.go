package cells

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"opsdeck/internal/testenv"
)

func TestWrapKeepsWordsWholeBesideCJK(t *testing.T) {
	for _, c := range []struct {
		in   string
		w    int
		want string
	}{
		{"已配置的日志、docker:、ssh:、elastic: 加地址；可重复。", 20, "已配置的日志、|docker:、ssh:、|elastic: 加地址；可|重复。"},
		{"把 binlog 回放到此时刻", 12, "把 binlog 回|放到此时刻"},
		{"备份（旧的）好。", 10, "备份（旧|的）好。"},
		{"看 `opsdeck status --watch 5s` 的输出", 16, "看 `opsdeck|status --watch|5s` 的输出"},
		{"客户 /var/backups/mysql/long 的", 10, "客户|/var/backu|ps/mysql/l|ong 的"},
		{"\x1b[31m红 色\x1b[m字", 4, "\x1b[31m红|色\x1b[m字"},
		{"  缩进的备份", 6, "  缩进|的备份"},
		{"一\n二", 6, "一|二"},
		{"", 6, ""},
	} {
		if got := strings.Join(Wrap(c.in, c.w), "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestWrapToCutsTheLastLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		w, n int
		want string
	}{
		{"one two three", 20, 2, "one two three"},
		{"one two three four", 8, 2, "one two|three f…"},
		{"one two three four", 8, 1, "one two…"},
		{"恢复已中止并还原", 8, 1, "恢复已…"},
		{"a /long/path/of/a/file", 8, 1, "a /long…"},
	} {
		if got := strings.Join(WrapTo(c.in, c.w, c.n), "|"); got != c.want {
			t.Errorf("%q in %d lines of %d: %q, want %q", c.in, c.n, c.w, got, c.want)
		}
	}
}

// Random texts, in which every word has room on a line: nothing but spaces at a break is
// left out, no line is too wide, and each ends where it may.
func TestWrappedTextIsTheText(t *testing.T) {
	pieces := []string{"备", "份", "客户", "，", "（", "）", " ", "a客", "--until ", "orderId备", "/var/log，", "\x1b[31m",
		"\x1b[m", "👍🏽 "}
	rng := rand.New(rand.NewPCG(testenv.Seed(t), 1))
	for range 5000 {
		s, w := "恢", 30+rng.IntN(30)
		for range rng.IntN(30) {
			s += pieces[rng.IntN(len(pieces))]
		}
		want, gaps := spaces(ansi.Strip(s))
		var got []rune
		for _, line := range Wrap(s, w) {
			if Width(line) > w {
				t.Fatalf("%q is wider than %d", line, w)
			}
			text, _ := spaces(ansi.Strip(line))
			if n := len(got); n > 0 && len(text) > 0 && !gaps[n] && !breaks(got[n-1], text[0]) {
				t.Fatalf("%q in %d ends a line before %q", s, w, line)
			}
			got = append(got, text...)
		}
		if string(got) != string(want) {
			t.Fatalf("%q became %q", s, string(got))
		}
	}
}

// spaces is a text without its spaces, and before which of its characters there was one.
func spaces(s string) (text []rune, gaps map[int]bool) {
	gaps = map[int]bool{}
	for _, r := range s {
		if r == ' ' {
			gaps[len(text)] = true
			continue
		}
		text = append(text, r)
	}
	return text, gaps
}
