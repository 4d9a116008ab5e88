package lang

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"
)

// English keys are written with the plural: "%d rows were deleted". What follows
// gives them their singular, "1 row was deleted", by x/text's plural forms. Only
// English needs this, Chinese has one form.

// nouns are the things that messages count.
var nouns = map[string]string{
	"backups": "backup", "bytes": "byte", "checks": "check", "connections": "connection", "databases": "database",
	"days": "day", "deletions": "deletion", "definitions": "definition", "entries": "entry", "errors": "error",
	"events":   "event",
	"failures": "failure", "files": "file", "findings": "finding", "gaps": "gap", "hits": "hit", "hours": "hour",
	"instances": "instance", "jobs": "job", "lines": "line", "logs": "log", "matches": "match", "members": "member",
	"minutes": "minute", "objects": "object", "operations": "operation", "parts": "part", "passes": "pass",
	"patterns": "pattern", "pieces": "piece", "points": "point", "problems": "problem", "queries": "query",
	"replicas": "replica",
	"routines": "routine", "rows": "row", "rules": "rule", "seconds": "second",
	"sequences": "sequence", "services": "service", "sessions": "session", "statements": "statement",
	"steps": "step", "tables": "table", "things": "thing", "times": "time", "transactions": "transaction",
	"triggers": "trigger", "users": "user", "variables": "variable", "views": "view", "warnings": "warning",
	"weeks": "week",
}

// verbs agree with the noun before them.
var verbs = map[string]string{
	"are": "is", "were": "was", "have": "has", "differ": "differs", "do": "does", "fail": "fails",
	"follow": "follows", "hold": "holds", "lie": "lies", "need": "needs", "run": "runs", "wait": "waits",
}

// singulars are whole sentences for 1, where more than a noun and its verb
// changes. The first argument is the one that counts.
var singulars = map[string]string{
	"%d older files stay compressed; `opsdeck logs` searches them too": "%d older file stays compressed; " +
		"`opsdeck logs` searches it too",
	"%d tables have no primary key: they are read in one piece": "%d table has no primary key: it is read in one piece",
	"%d tables, all transactional, all with a primary key":      "%d table, transactional, with a primary key",
	"this server has %s replicas; the restore will replicate to them": "this server has %s replica; the restore " +
		"will replicate to it",
	"Changes to %s rows are lost.": "Changes to %s row are lost.",
	"%d tables of %s that had rows in a good backup are empty": "%d table of %s that had rows in a good backup " +
		"is empty",
	"the binlog does not show which rows later transactions changed; there are %d such transactions": "the binlog " +
		"does not show which rows later transactions changed; there is %d such transaction",
	"%d statements in statement format are run again: what is not deterministic in them may give other results": "%d " +
		"statement in statement format is run again: what is not deterministic in it may give other results",
	"%s rows were kept: they differ from the archive":   "%s row was kept: it differs from the archive",
	"About %s rows written after that moment are lost.": "About %s row written after that moment is lost.",
	"all %d checks pass":                                "%d check passes",
	"all %d tables of %s exist":                         "%d table of %s exists",
	"All %s shown rows will be written, with passwords, tokens, cookies, phone and ID numbers masked.": "The %s " +
		"shown row will be written, with passwords, tokens, cookies, phone and ID numbers masked.",
	"%s tables could not be compared completely with the backup (o): newer or changed rows in " +
		"them may be lost": "%s table could not be compared completely with the backup (o): newer or " +
		"changed rows in it may be lost",
	"the table has no index on its time; about %s rows must be read once to learn their order": "the table " +
		"has no index on its time; about %s row must be read once to learn its order",
}

// counts finds a number, the noun that it counts and the verb of that noun.
// In "%d of %d tables are missing" the noun goes by the second number and the
// verb by the first.
var counts = regexp.MustCompile(`(?:(%(?:\[\d+\])?[ds]) of )?(%(?:\[\d+\])?[ds])` +
	`((?: (?:more|newer|older|later|log|rotated|changed|other|bad|good))* )(` + alternatives(nouns) + `)\b` +
	`(?:(` + place + ` )(` + alternatives(verbs) + `)\b)?`)

// place is what may be between a noun and its verb: "of %[2]s", "in the folder".
const place = `(?: (?:of|in|at)(?: (?:the|archive|binlog|copy|engine|folder|MySQL|%\[\d+\]s))+)*`

func alternatives(of map[string]string) string {
	words := make([]string, 0, len(of))
	for word := range of {
		words = append(words, word)
	}
	return strings.Join(words, "|")
}

// setPlural gives the English catalogue a key that counts something.
func setPlural(b *catalog.Builder, tag language.Tag, key string) error {
	if messages := pluralOf(key); messages != nil {
		return b.Set(tag, key, messages...)
	}
	return nil
}

// pluralOf is the catalogue's entry for a key, nil for one that counts nothing.
func pluralOf(key string) []catalog.Message {
	if one, ok := singulars[key]; ok {
		return []catalog.Message{plural.Selectf(1, "", plural.One, numbered(one), plural.Other, numbered(key))}
	}
	if !strings.Contains(key, "%") {
		return nil
	}
	return withForms(numbered(key))
}

// withForms puts a variable in the place of every word that goes by a number.
func withForms(key string) []catalog.Message {
	var vars []catalog.Message
	form := func(number, many, one string) string {
		name := "form" + strconv.Itoa(len(vars))
		vars = append(vars, catalog.Var(name, plural.Selectf(argument(number), "", plural.One, one, plural.Other,
			many)))
		return "${" + name + "}"
	}
	text := counts.ReplaceAllStringFunc(key, func(found string) string {
		part := counts.FindStringSubmatch(found)
		whole := part[1]
		number := part[2]
		adjective := part[3]
		noun := part[4]
		between := part[5]
		verb := part[6]
		out := number + adjective + form(number, noun, nouns[noun])
		subject := number
		if whole != "" {
			out = whole + " of " + out
			subject = whole
		}
		if verb != "" {
			out += between + form(subject, verb, verbs[verb])
		}
		return out
	})
	if vars == nil {
		return nil
	}
	return append(vars, catalog.String(text))
}

var anyVerb = regexp.MustCompile(`%%|%(\[\d+\])?[-+# 0]*[\d.*]*[a-zA-Z]`)

// numbered writes out which argument each verb takes: a message with variables
// is printed piece by piece.
func numbered(key string) string {
	n := 0
	return anyVerb.ReplaceAllStringFunc(key, func(v string) string {
		if v == "%%" || strings.HasPrefix(v, "%[") {
			return v
		}
		n++
		return "%[" + strconv.Itoa(n) + "]" + v[1:]
	})
}

// argument is the number in "%[3]d".
func argument(v string) int {
	n, _ := strconv.Atoi(v[2:strings.IndexByte(v, ']')])
	return n
}

// counted is a number written as text, "1,234", that still chooses a plural.
type counted string

// PluralForm is singular for exactly 1.
func (c counted) PluralForm(language.Tag, int) (plural.Form, int) {
	n, _ := strconv.Atoi(strings.ReplaceAll(string(c), ",", ""))
	return formOf(n == 1), n
}

func (c counted) Format(s fmt.State, verb rune) { fmt.Fprintf(s, fmt.FormatString(s, verb), string(c)) }

// PluralForm is singular for exactly 1.
func (n plain) PluralForm(language.Tag, int) (plural.Form, int) {
	digits := fmt.Sprint(n.v)
	v, _ := strconv.Atoi(digits)
	return formOf(digits == "1"), v
}

func formOf(one bool) plural.Form {
	if one {
		return plural.One
	}
	return plural.Other
}

// isCount tells whether a text is a number as human.Count writes it.
func isCount(s string) bool {
	return s != "" && strings.Trim(s, "0123456789,") == ""
}
