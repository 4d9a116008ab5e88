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

// Hash is the SHA-256, hex, of a definition in its normal form.
func Hash(definition string) string { return sum(normal(definition)) }

// HashIs tells whether a definition has a hash. Hashes made before the charset of a
// collation was left out are known, too.
func HashIs(definition, hash string) bool {
	return Hash(definition) == hash || sum(WithoutCounter(definition)) == hash
}

func sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// normal takes out of a CREATE TABLE statement what does not define the table: the
// next AUTO_INCREMENT value, which rows change, and the charset of a column whose
// collation is named. MySQL shows `COLLATE c` for a column that has the table's
// collation, and `CHARACTER SET s COLLATE c` once the table was made of that very text.
// Quoted text is left alone.
func normal(definition string) string { return withoutCharsets(WithoutCounter(definition)) }

// WithoutCounter is a CREATE TABLE statement without the option that sets the next AUTO_INCREMENT
// value.
func WithoutCounter(definition string) string {
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

func withoutCharsets(definition string) string {
	var out strings.Builder
	from := 0
	for i := 0; i < len(definition); i++ {
		switch definition[i] {
		case '\'', '"', '`':
			i = SkipQuoted(definition, i)
		case ' ':
			if n := impliedCharset(definition[i:]); n > 0 {
				out.WriteString(definition[from:i])
				from = i + n
				i += n - 1
			}
		}
	}
	if from == 0 {
		return definition
	}
	out.WriteString(definition[from:])
	return out.String()
}

// impliedCharset is the length of " CHARACTER SET s" at the beginning of text where a
// collation of that charset follows, or 0.
func impliedCharset(text string) int {
	const option, collate = " CHARACTER SET ", " COLLATE "
	rest, found := strings.CutPrefix(text, option)
	if !found {
		return 0
	}
	charset, rest, _ := strings.Cut(rest, " ")
	collation, found := strings.CutPrefix(" "+rest, collate)
	if !found || !strings.HasPrefix(collation, charset+"_") {
		return 0
	}
	return len(option) + len(charset)
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
