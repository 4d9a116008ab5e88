package redact

import (
	"strings"

	"opsdeck/internal/pattern"
)

// A shell word's value: quoted parts and bare ones side by side, as in a"b c"'d'.
const shellValue = `(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\;&|()<>])+`

// secretName is a variable or an option whose value is a secret, such as DB_PASS,
// JWT_SECRET_KEY or --auth-token.
// "Tests passed: 12" is none.
const secretName = `[\w.-]*(?:pass(?:word|wd|phrase|code)?s?|pwd|secrets?|tokens?|credentials?|webhook|` +
	`(?:private|api|access|signing|encryption|account)[_-]?key)(?:\d+|[_.-][\w.-]*|key|value)?`

// commandRules are how secrets are known in a command line, besides those of Text.
var commandRules = []struct {
	re   *pattern.Pattern
	with string
}{
	// NAME=value, --name=value, and "name": value in an argument.
	{pattern.New(`(?i)(` + secretName + `["']?\s*[=:]\s*)(` + shellValue + `)`), "${1}" + Mask},
	// --name value
	{pattern.New(`(?i)((?:^|\s)--?` + secretName + `\s+)([^\s-]` + shellValue + `|` + shellValue + `)`), "${1}" +
		Mask},
	// mysql -psecret, and the other clients of that family
	{pattern.New(`((?:mysql|mariadb|sshpass)[^;&|]*?\s-p)(` + shellValue + `)`), "${1}" + Mask},
	{pattern.New(`((?:sshpass|docker\s+login|podman\s+login)[^;&|]*?\s-p\s+)(` + shellValue + `)`), "${1}" +
		Mask},
	{pattern.New(`(redis-cli[^;&|]*?\s-a\s*)(` + shellValue + `)`), "${1}" + Mask},
	{pattern.New(`(mongo\w*[^;&|]*?\s-p\s*)(` + shellValue + `)`), "${1}" + Mask},
	// curl -u name:secret
	{pattern.New(`(\s(?:-u|--user|--proxy-user)[\s=]*["']?[^\s:"']*:)([^\s"']+)`), "${1}" + Mask},
	{pattern.New(`(?i)(authorization\s*:\s*)(?:(?:bearer|basic|token)\s+)?[^"'\r\n]+`), "${1}" + Mask},
	{pattern.New(`(?i)(\bx-[\w-]*(?:key|token|auth|secret)\s*:\s*)[^"'\r\n]+`), "${1}" + Mask},
	// scheme://user:se@cret@host, and a token alone before the host
	{pattern.New(`(://[^\s:/@'"]*:)[^\s/'"]+(@)`), "${1}" + Mask + "${2}"},
	{pattern.New(`(?i)(https?://)[^\s:/@'"]+(@)`), "${1}" + Mask + "${2}"},
	{pattern.New(`(?i)([?&](?:key|sig|sign|signature|code|auth|sk)=)[^\s&'"]+`), "${1}" + Mask},
	{pattern.New(`(?i)(://[^\s'"]*/(?:hook|hooks|services|webhooks?|robot)/)[^\s'"?]+`), "${1}" + Mask},
	// Shapes of well-known tokens.
	{pattern.New(tokenShapes), Mask},
}

// notSecret is the name of a setting that only says where a secret is kept.
var notSecret = pattern.New(`(?i)(?:[_-](?:file|path|dir)|-stdin)["']?\s*[=:]?\s*$`)

// command returns a command line with the secrets that can be recognised masked. It
// masks more than Text: in a command a value is of no use to a reader, and one too many
// is better hidden than shown.
func command(s string) string {
	for _, r := range commandRules {
		s = r.re.ReplaceAllStringFunc(s, func(hit string) string {
			m := r.re.FindStringSubmatchIndex(hit)
			if len(m) > 3 && m[2] >= 0 && notSecret.MatchString(hit[m[2]:m[3]]) {
				return hit
			}
			return string(r.re.Regexp().ExpandString(nil, r.with, hit, m))
		})
	}
	return Text(s)
}

// Hider masks known secrets, such as the values of an environment file, and all that
// Command recognises. Its zero value knows none.
type Hider struct{ known *strings.Replacer }

// leastKnown is the length of the shortest known secret that is looked for: a shorter one
// is in many ordinary words.
const leastKnown = 4

// NewHider makes a Hider of secrets. Of one that spans lines each line is one.
func NewHider(secrets []string) Hider {
	var pairs []string
	for _, s := range longestFirst(secrets) {
		pairs = append(pairs, s, Mask)
	}
	return Hider{strings.NewReplacer(pairs...)}
}

// Hide masks the secrets of a text.
func (h Hider) Hide(s string) string {
	if h.known != nil {
		s = h.known.Replace(s)
	}
	return command(s)
}
