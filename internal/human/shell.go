package human

import (
	"strings"
)

// shell writes an argument as a shell wants it.
func Shell(s string) string {
	plain := func(r rune) bool {
		return r < 128 && strings.ContainsRune("@%+=:,./_-~*", r) || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' ||
			r >= 'a' && r <= 'z'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
