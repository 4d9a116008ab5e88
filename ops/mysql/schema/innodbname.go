package schema

import (
	"fmt"
	"regexp"
	"strings"
)

// InnoDBName matches a database's or table's name as InnoDB's dictionary writes it: characters other than ASCII
// letters, digits and underscore are an @ and their number in hex. Letters of other
// alphabets have codes of two characters, of which any matches here.
//
// MySQL Reference Manual, "Mapping of Identifiers to File Names".
func InnoDBName(name string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	for _, r := range name {
		switch {
		case r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case r >= 0xc0 && r < 0x3000 || r >= 0xff00:
			fmt.Fprintf(&b, "(@%04x|@[0-9A-Za-z]{2})", r)
		default:
			fmt.Fprintf(&b, "@%04x", r)
		}
	}
	return regexp.MustCompile(b.String() + "$")
}
