package commandline

import (
	"errors"
	"opsdeck/internal/lang"
	"regexp"

	"github.com/alecthomas/kong"
)

// Explain says kong's error in words that can be translated, and where to read how the command
// is used.
func Explain(err error) (what, hint lang.Msg) {
	var parse *kong.ParseError
	hint = lang.M("`opsdeck --help` lists the commands and flags")
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		hint = lang.M("`opsdeck %s --help` shows how it is used", parse.Context.Selected().Path())
	}
	return reword(err.Error()), hint
}

// wordings are the messages of kong's context.go and mapper.go, in our own words. All of its
// errors are of one type, kong.ParseError, so they are told apart by their text.
var wordings = []struct {
	pattern string
	say     func(m []string) lang.Msg
}{
	{`^unexpected argument (\S+), did you mean (.+)\?$`, func(m []string) lang.Msg {
		return lang.M("there is no command or argument %s: did you mean %s?", m[1], m[2])
	}},
	{`^unexpected argument (.+)$`,
		func(m []string) lang.Msg { return lang.M("there is no command or argument %s", m[1]) }},
	{`^unknown flag (\S+), did you mean (.+)\?$`,
		func(m []string) lang.Msg { return lang.M("there is no flag %s: did you mean %s?", m[1], m[2]) }},
	{`^unknown flag (.+)$`, func(m []string) lang.Msg { return lang.M("there is no flag %s", m[1]) }},
	{`^missing flags: (.+)$`, func(m []string) lang.Msg { return lang.M("missing: %s", m[1]) }},
	{`^expected one of (.+)$`, func(m []string) lang.Msg { return lang.M("needs one of: %s", m[1]) }},
	{`^expected (.+)$`, func(m []string) lang.Msg { return lang.M("missing: %s", m[1]) }},
	{`^(.+) must be one of (?:"",)?(.+) but got (.+)$`,
		func(m []string) lang.Msg { return lang.M("%s must be one of %s, not %s", m[1], m[2], m[3]) }},
	{`^(.+): expected an? .*(?:int|uint|float) but got (\S+).*$`,
		func(m []string) lang.Msg { return lang.M("%s must be a number, not %s", m[1], m[2]) }},
	{`^(.+): expected duration but got ("[^"]*").*$`, func(m []string) lang.Msg {
		return lang.M("%s must be a duration such as 90s, 15m or 26h, not %s", m[1], m[2])
	}},
	{`^(.+): expected .* value but got "EOL".*$`,
		func(m []string) lang.Msg { return lang.M("%s needs a value", m[1]) }},
	{`^(.+): bool value must be .* but got (".*")$`, func(m []string) lang.Msg {
		return lang.M("%s must be true or false, not %s", m[1], m[2])
	}},
	{`^(--\S+) and (--\S+) can't be used together$`, func(m []string) lang.Msg {
		return lang.M("%s and %s "+"cannot be used together", m[1], m[2])
	}},
}

// reword says a message of kong's in our own words; one that is not known stays as it is.
func reword(text string) lang.Msg {
	for _, w := range wordings {
		if m := regexp.MustCompile(w.pattern).FindStringSubmatch(text); m != nil {
			return w.say(m)
		}
	}
	return lang.Raw(text)
}
