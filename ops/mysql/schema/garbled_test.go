package schema

import "testing"

func TestUngarbledUndoesOneReading(t *testing.T) {
	garbled := func(s string) string {
		var out []rune
		for _, b := range []byte(s) {
			out = append(out, rune(b))
		}
		return string(out)
	}
	for text, want := range map[string]string{
		"a = '" + garbled("张三") + "' AS `姓名`": "a = '张三' AS `姓名`",
		garbled(garbled("é")):                 garbled("é"),
		"'é' and 'ü'":                         "'é' and 'ü'",
		"plain":                               "plain",
		"张三":                                  "张三",
	} {
		if got := Ungarbled(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
