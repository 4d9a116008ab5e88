package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// CreateTable reads the statement that makes a table or sequence, as the server
// shows it. The session should have sql_mode = ” and SQL_QUOTE_SHOW_CREATE on.
func CreateTable(ctx context.Context, q Querier, t *Table) (string, error) {
	verb := "SHOW CREATE TABLE "
	if t.Sequence {
		verb = "SHOW CREATE SEQUENCE "
	}
	rows, err := All(ctx, q, verb+t.SQLName())
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", strings.ToLower(verb), t.SQLName(), err)
	}
	if len(rows) == 0 || len(rows[0]) < 2 || rows[0][1] == "" {
		return "", fmt.Errorf("%s%s: empty answer", strings.ToLower(verb), t.SQLName())
	}
	return rows[0][1], nil
}

// Hash is the SHA-256, hex, of a definition without what changes by use.
func Hash(definition string) string {
	sum := sha256.Sum256([]byte(Normal(definition)))
	return hex.EncodeToString(sum[:])
}

// Normal takes out of a CREATE TABLE statement the next AUTO_INCREMENT value,
// the one part that rows change. Quoted text is left alone.
func Normal(definition string) string {
	const option = " AUTO_INCREMENT="
	depth := 0
	for i := 0; i < len(definition); i++ {
		switch c := definition[i]; c {
		case '\'', '"', '`':
			i = SkipQuoted(definition, i)
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth == 0 && strings.HasPrefix(definition[i:], option) {
				end := i + len(option)
				for end < len(definition) && definition[end] >= '0' && definition[end] <= '9' {
					end++
				}
				return definition[:i] + definition[end:]
			}
		}
	}
	return definition
}

// SkipQuoted returns the index of the quote that ends what the quote at i begins,
// or the length of s when none does.
func SkipQuoted(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote != '`':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i
		}
	}
	return len(s)
}
