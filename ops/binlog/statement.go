package binlog

import (
	"strings"

	"opsdeck/internal/pattern"
	"opsdeck/internal/redact"
)

var (
	secretWords = pattern.New(`(?i)\b(identified|password|secret|auth_option|old_password|encryption_key)\b`)
	quoted      = pattern.New(
		`'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$)|\b0x[0-9A-Fa-f]+\b|\bx'[0-9A-Fa-f]*'`,
	)
	accountVerb = pattern.New(
		`(?is)^\s*(?:/\*.*?\*/\s*)*(create\s+(or\s+replace\s+)?(user|role|server)|alter\s+(user|server)|grant|set\s+password|change\s+(master|replication)|start\s+(slave|replica))\b`,
	)
)

// Hide masks the secrets in a statement's text: in a statement about accounts, every
// quoted text after the first keyword for a secret, and every long hexadecimal number,
// becomes '***'.
func Hide(sql string) string {
	if small := redact.Small(sql); !redact.May(small) && !redact.HasAny(small, wordParts...) {
		return sql
	}
	return redact.Text(hide(sql))
}

// wordParts are substrings; only texts with one of them are searched for secretWords.
var wordParts = []string{"identified", "password", "secret", "auth_option", "encryption_key"}

func hide(sql string) string {
	if !redact.HasAny(redact.Small(sql), wordParts...) {
		return sql
	}
	at := secretWords.FindStringIndex(sql)
	if at == nil {
		return sql
	}
	from := at[0]
	if accountVerb.MatchString(sql) {
		return sql[:from] + quoted.ReplaceAllString(sql[from:], "'***'")
	}
	return sql[:from] + hideAssigned(sql[from:])
}

// assigned matches a keyword for a secret and its value.
var assigned = pattern.New(
	`(?i)\b((?:identified\s+(?:with\s+\S+\s+)?(?:by|as|via)|[a-z_]*password|secret)\b\s*(?:=|\(|by|as)?\s*(?:password\s*\(?)?\s*)('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$))`,
)

func hideAssigned(sql string) string { return assigned.ReplaceAllString(sql, "${1}'***'") }

// Mentions reports whether a statement's text contains a name as a whole word. A word in a
// string counts too: use it for display, not for protection.
func Mentions(sql, name string) bool {
	if name == "" {
		return false
	}
	name = strings.ReplaceAll(name, "`", "``") // as it is written between backticks
	lower := strings.ToLower(sql)
	want := strings.ToLower(name)
	for from := 0; ; {
		i := strings.Index(lower[from:], want)
		if i < 0 {
			return false
		}
		i += from
		if !wordAt(lower, i-1) && !wordAt(lower, i+len(want)) {
			return true
		}
		from = i + 1
	}
}

func wordAt(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	b := s[i]
	return b == '_' || b == '$' || b >= 0x80 || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

var firstWord = pattern.New(`(?s)^\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*|#[^\n]*\n\s*)*([A-Za-z]+)`)

// verbOf is the effect of a statement's first word on rows; "" for any other word. REPLACE
// and LOAD DATA count as inserts.
func verbOf(sql string) Verb {
	word := firstWord.FindStringSubmatch(sql)
	if word == nil {
		return ""
	}
	switch strings.ToLower(word[1]) {
	case "insert", "replace", "load":
		return Insert
	case "update":
		return Update
	case "delete":
		return Delete
	}
	return ""
}

var definition = pattern.New(
	`(?is)^\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*|#[^\n]*\n\s*)*(create|alter|drop|truncate|rename|grant|revoke|set\s+password|analyze|optimize|repair|flush|install|uninstall)\b`,
)

// IsDefinition reports whether a statement changes definitions, or all rows at once, as
// TRUNCATE does.
func IsDefinition(sql string) bool { return definition.MatchString(sql) }
