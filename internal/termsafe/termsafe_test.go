package termsafe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLineShowsAttacks(t *testing.T) {
	for in, want := range map[string]string{
		"plain 客户":               "plain 客户",
		"\x1b]0;evil":            "^[]0;evil",
		"a\rb":                   "a^Mb",
		"\x1b[8mhidden":          "^[[8mhidden",
		"\u009b31m":              "<U+009B>31m",
		"\x9b31m":                "<9B>31m",
		"abc\u202edef":           "abc<U+202E>def",
		"a\nb":                   "a^Jb",
		"a\tb":                   "a   b",
		"\t":                     "    ",
		"bad \xff\xfe":           "bad <FF><FE>",
		"nul\x00":                "nul^@",
		"zero\u200bwidth":        "zero<U+200B>width",
		"tag\U000e0041":          "tag<U+E0041>",
		"true \ufffd stays":      "true \ufffd stays",
		"family 👨\u200d👩\u200d👧": "family 👨\u200d👩\u200d👧",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextKeepsLines(t *testing.T) {
	if got := Text("a\r\n\tb\x1b\n客"); got != "a\n    b^[\n客" {
		t.Fatalf("got %q", got)
	}
}

// slowUnsafe is firstUnsafe, character by character.
func slowUnsafe(s string, lines bool) int {
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		if (r != '\n' || !lines) && (unsafeRune(r) || r == utf8.RuneError && n == 1) {
			return i
		}
	}
	return -1
}

func TestTheFirstUnsafeByteIsFoundAnywhere(t *testing.T) {
	for n := range 40 {
		for c := range 0x100 {
			for _, of := range []string{"~", "客"} {
				s := strings.Repeat(of, n) + string([]byte{byte(c)}) + strings.Repeat(of, 40-n)
				for _, lines := range []bool{false, true} {
					if got, want := firstUnsafe(s, lines), slowUnsafe(s, lines); got != want {
						t.Fatalf("%q, lines %v: %d, want %d", s, lines, got, want)
					}
				}
			}
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[31m\u202e\xff\t")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := firstUnsafe(s, true), slowUnsafe(s, true); got != want || Safe(s) != (Text(s) == s) {
			t.Fatalf("%q: unsafe at %d, want %d; safe %v", s, got, want, Safe(s))
		}
		for _, out := range []string{Line(s), strings.ReplaceAll(Text(s), "\n", "")} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q: not UTF-8: %q", s, out)
			}
			if i := firstUnsafe(out, false); i >= 0 {
				t.Fatalf("%q: unsafe at %d: %q", s, i, out)
			}
		}
		if again := Line(Line(s)); again != Line(s) {
			t.Fatalf("%q: not stable: %q", s, again)
		}
	})
}
