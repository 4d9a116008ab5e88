package typed

import (
	"strings"

	"opsdeck/internal/lang"
)

// Msg is a sentence whose commands are those of a program, as Text writes them, whoever
// prints it: a list of several services names each one's own.
func Msg(program string, m lang.Msg) lang.Msg {
	if program == "" || program == Name || m.Empty() {
		return m
	}
	said := lang.BothBy(func(p *lang.Printer) string { return Text(program, p.Msg(m)) })
	if !strings.Contains(said.EN, program) {
		return m
	}
	return lang.M("%s", said)
}
