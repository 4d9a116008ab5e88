package theme

import (
	"testing"

	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
)

func TestATerminalThatDrawsASCIIAloneIsKnown(t *testing.T) {
	for _, c := range []struct {
		term, lang, ctype string
		want              bool
	}{
		{"linux", "en_US.UTF-8", "", true},
		{"vt100", "", "", true},
		{"xterm-256color", "C", "", true},
		{"xterm-256color", "POSIX", "", true},
		{"xterm-256color", "zh_CN.GBK", "", true},
		{"xterm-256color", "C", "C.UTF-8", false},
		{"xterm-256color", "zh_CN.utf8", "", false},
		{"screen", "", "", false}, // nothing is set in many containers
	} {
		env := map[string]string{"TERM": c.term, "LANG": c.lang, "LC_CTYPE": c.ctype}
		if got := Poor(func(k string) string { return env[k] }); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
