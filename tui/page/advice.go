package page

import (
	"regexp"
	"strings"
	"sync/atomic"

	"opsdeck/internal/lang"
	"opsdeck/internal/typed"
)

// Advice turns what sentences advise into what works from the console: the key that
// does it, or else the command with the configuration that the console was started
// with. Domains and adapters name commands and flags, for they know no keys; this is
// the one place that translates them.
type Advice struct {
	program string            // "opsdeck", or "opsdeck --config FILE"
	tabs    map[string]string // the key of each page
	at      atomic.Value      // the page in front, a string
	others  []service         // those that the pages do not show
}

// service is another service, and how this program is called again for it.
type service struct{ name, program string }

// NewAdvice makes it for a program as it is called again, and the pages' keys.
func NewAdvice(program string, tabs map[string]string) *Advice {
	if program == "" {
		program = typed.Name
	}
	a := &Advice{program: program, tabs: tabs}
	a.at.Store("")
	return a
}

// Also tells of a service that the pages do not show now, and how this program is called
// for it: its keys work after the service is switched.
func (a *Advice) Also(name, program string) { a.others = append(a.others, service{name, program}) }

// At says which page is in front.
func (a *Advice) At(page string) { a.at.Store(page) }

// keyed are the commands that a key does as well. A pattern takes the command's words
// after opsdeck with all its arguments.
var keyed = []struct {
	command *regexp.Regexp
	page    string
	key     string // "" is to look at the page
}{
	{words(`backup create`), "backups", "b"},
	{words(`backup verify --all`), "backups", "V"},
	{words(`backup verify --deep(?: NAME)?`), "backups", "d"},
	{words(`backup verify NAME`), "backups", "v"},
	{words(`backup verify`), "backups", "V"},
	{words(`backup prune`), "backups", "p"},
	{words(`backup sync(?: NAME)?`), "backups", "c"},
	{words(`backup drill(?: NAME)?`), "backups", "d"},
	{words(`backup show NAME`), "backups", ""},
	{words(`backup list`), "backups", ""},
	{words(`restore attach(?: NAME)?`), "restore", ""},
	{words(`restore status(?: NAME)?`), "restore", ""},
	{words(`restore --plan`), "restore", ""},
	{words(`restore --tables [^\s;]+ --plan`), "restore", "t"},
	{words(`restore resume(?: NAME)?`), "restore", "R"},
	{words(`restore abort(?: NAME)?`), "restore", "X"},
	{words(`restore undo(?: NAME)?`), "restore", "Z"},
	{words(`restore drop-old(?: NAME)?`), "restore", "D"},
	{words(`restore report(?: NAME)?`), "restore", "v"},
	{words(`deploy run --resume`), "status", "D"},
	{words(`deploy undo(?: NAME)?`), "status", "D"},
	{words(`deploy status(?: NAME)?`), "status", "D"},
	{words(`logs --critical --since \S+`), "logs", ""},
	{words(`status`), "status", ""},
}

// flagged are flags that a key of a page does as well.
var flagged = []struct {
	flag *regexp.Regexp
	page string
	key  string
}{
	{regexp.MustCompile(`--accept-missing(?: [^\s,;.，；。]+(?:,[^\s,;.，；。]+)*)?`), "restore", "A"},
	{regexp.MustCompile(`--tables\b`), "restore", "t"},
	{regexp.MustCompile(`--from\b`), "restore", "b"},
	{regexp.MustCompile(`--despite-writes(?: [^\s,;.，；。]+)?`), "restore", "g"},
	{regexp.MustCompile(`\bverify --deep\b`), "backups", "d"},
}

// words is the pattern of a command's words; NAME is a name or an id, with a digit or
// an underscore in it, so that the next word of a sentence is none.
func words(pattern string) *regexp.Regexp {
	const name = `(?:'[^']+'|[\w.:/@=+-]*[\d_][\w.:/@=+-]*\w)`
	return regexp.MustCompile(`^` + strings.ReplaceAll(pattern, "NAME", name))
}

// in rewrites a sentence in a language.
func (a *Advice) in(p *lang.Printer, text string) string {
	if strings.Contains(text, typed.Name+" ") {
		own := strings.ReplaceAll(text, a.program+" ", typed.Name+" ")
		for _, other := range a.others {
			own = strings.ReplaceAll(own, typed.Program("", other.name)+" ", other.program+" ")
		}
		// One that names a service is for another than the pages show.
		if a.program != typed.Name && len(a.others) == 0 {
			own = strings.ReplaceAll(own, typed.Name+" --service ", a.program+" --service ")
		}
		text = a.commands(p, own, service{"", a.program})
		for _, other := range a.others {
			if at, _ := typed.Next(text); at < 0 && strings.Contains(text, other.program+" ") {
				text = a.commands(p, strings.ReplaceAll(text, other.program+" ", typed.Name+" "), other)
			}
		}
	}
	if strings.Contains(text, " --") || strings.Contains(text, "--deep") {
		text = a.flags(p, text)
	}
	return text
}

// commands rewrites the commands of a text, which are of a service; "" is the one that the
// pages show.
func (a *Advice) commands(p *lang.Printer, text string, of service) string {
	var b strings.Builder
	for {
		at, words := typed.Next(text)
		if at < 0 {
			return b.String() + text
		}
		head, rest := text[:at], text[words:]
		said, n := a.keyFor(p, rest, of.name)
		if n == 0 {
			b.WriteString(head + of.program + " ")
			text = rest
			continue
		}
		text = rest[n:]
		if said == p.T("see below") {
			if clause, ok := strings.CutSuffix(head, ": "); ok {
				b.WriteString(p.T("%s here", clause))
				continue
			}
		}
		if strings.HasSuffix(head, "`") && strings.HasPrefix(text, "`") {
			head = head[:len(head)-1]
			text = text[1:]
		}
		b.WriteString(head + said)
	}
}

func isWord(c byte) bool {
	return c == '/' || c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// keyFor is what to press instead of a command, and how long that command is; 0 where
// no key does just that.
func (a *Advice) keyFor(p *lang.Printer, command, other string) (string, int) {
	for _, k := range keyed {
		n := len(k.command.FindString(command))
		if n == 0 || strings.HasPrefix(command[n:], " --") {
			continue
		}
		if n < len(command) && isWord(command[n]) {
			continue
		}
		if said := a.press(p, k.page, k.key, other); said != "" {
			return said, n
		}
	}
	return "", 0
}

// press names a key of a page, from the page in front; first that which switches to
// another service, where the page shows another.
func (a *Advice) press(p *lang.Printer, page, key, other string) string {
	here := a.at.Load() == page
	tab := a.tabs[page]
	switch {
	case tab == "":
		return ""
	case other != "" && key == "":
		return p.T("press 0 for %s, then %s", other, tab)
	case other != "":
		return p.T("press 0 for %s, then %s, then %s", other, tab, key)
	case here && key == "":
		return p.T("see below")
	case here:
		return p.T("press %s", key)
	case key == "":
		return p.T("press %s", tab)
	}
	return p.T("press %s, then %s", tab, key)
}

// flags names the keys of flags without a command; those of a command stay with it.
func (a *Advice) flags(p *lang.Printer, text string) string {
	if strings.Contains(text, typed.Name+" ") {
		return text
	}
	for _, f := range flagged {
		text = f.flag.ReplaceAllStringFunc(text, func(flag string) string {
			if said := a.press(p, f.page, f.key, ""); said != "" {
				return said
			}
			return flag
		})
	}
	return text
}

// command is a command of opsdeck that works when it is typed into a shell.
func (a *Advice) command(command string) string { return typed.Text(a.program, command) }
