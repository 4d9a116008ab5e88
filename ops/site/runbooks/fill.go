package runbooks

import "opsdeck/internal/pattern"

// quoted are the parts of a line that a shell takes as they are.
var quoted = pattern.New(`'[^']*'|"[^"]*"`)

// blank is a word in capitals that a person replaces; a variable that is set has "=" after
// it. blankIn is one within a name or quotes.
var (
	blank   = pattern.New(`(?:^|[\s=])[A-Z][A-Z-]+(?:[\s,;)]|$)`)
	blankIn = pattern.New(`YYYY|HH:MM|\.TABLE\b|PROJECT-FOLDER|THIS-FILE|NEW-PASSWORD`)
	fixed   = pattern.New(`\b(?:HEAD|DELETE)\b|-v PASSWORD\b`)
	harmful = pattern.New(`\|.*\b(mysql|mariadb)\b|\brm -rf\b|\b(PURGE|TRUNCATE|DROP)\b`)
)

// NeedsFilling tells whether a person has to replace a word of a command before it can be
// run: "ID", "TABLE", a time.
func NeedsFilling(line string) bool {
	bare := fixed.ReplaceAllString(quoted.ReplaceAllString(line, "''"), "")
	return blankIn.MatchString(line) || blank.MatchString(bare)
}

// Destroys tells whether a command that is not one of opsdeck's overwrites or deletes data.
func Destroys(line string) bool { return harmful.MatchString(line) }
