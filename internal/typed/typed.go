// Package typed owns the commands of this program that a sentence tells a person to type.
// Domains and adapters write "opsdeck backup list"; what works when it is typed also names
// the configuration, and the service where several are configured.
package typed

import (
	"regexp"
	"strings"

	"opsdeck/internal/human"
)

// Name is how this program is called in sentences.
const Name = "opsdeck"

// Program is how this program is called again for a configuration and a service; "" is
// the default of each.
func Program(config, service string) string {
	words := Name
	if config != "" {
		words += " --config " + human.Shell(config)
	}
	if service != "" {
		words += " --service " + human.Shell(service)
	}
	return words
}

// verbs begin a command; another word after "opsdeck" is a part of the sentence.
var verbs = regexp.MustCompile("^(?:status|logs|audit|backup|restore|watch|alerts|deploy|serve|operations|doctor|" +
	"runbook|config)(?:[ `'.,;:）)，。；：]|$)")

// Next finds the first command of this program in a text: where its name begins, and
// where its words after the name begin. at is -1 where there is none.
func Next(text string) (at, words int) {
	for from := 0; ; {
		i := strings.Index(text[from:], Name+" ")
		if i < 0 {
			return -1, -1
		}
		at = from + i
		from = at + len(Name) + 1
		if (at == 0 || !isWord(text[at-1])) && verbs.MatchString(text[from:]) {
			return at, from
		}
	}
}

func isWord(c byte) bool {
	return c == '/' || c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// Text writes each command of this program in a text as it works when it is typed.
// program is what Program gave. A command that names its configuration stays.
func Text(program, text string) string {
	if program == Name || !strings.Contains(text, Name+" ") {
		return text
	}
	var b strings.Builder
	for {
		at, words := Next(text)
		if at < 0 {
			return b.String() + text
		}
		b.WriteString(text[:at] + program + " ")
		text = text[words:]
	}
}
