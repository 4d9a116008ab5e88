package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// longLiteral is the length from which a literal is sent apart from its statement, in bytes.
const longLiteral = 4 << 10

// longValue is a literal of a statement.
type longValue struct {
	bytes   []byte
	charset string // "" is binary
}

// variable is the session's variable for a value. The names are ours.
func variable(i int) string { return fmt.Sprintf("@opsdeck_value_%d", i+1) }

// introduced is a charset before a literal.
var introduced = regexp.MustCompile(`(?:^|[ (,=])(_([a-z0-9]+) ?)$`)

// outsource replaces the long literals of a statement by variables. The statement is one of
// ours: its strings are utf8mb4, with backslashes as escapes, and it has no comments.
func outsource(query string) (short string, values []longValue) {
	var b strings.Builder
	from := 0
	for i := 0; i < len(query); {
		end := literalEnd(query, i)
		if end-i < longLiteral || query[i] == '`' {
			i = end
			continue
		}
		v, ok := valueOf(query[i:end])
		before := query[from:i]
		if m := introduced.FindStringSubmatch(before[max(0, len(before)-40):]); m != nil {
			before = strings.TrimSuffix(before, m[1])
			v.charset = m[2]
		}
		if ok {
			b.WriteString(before)
			b.WriteString(v.named(variable(len(values))))
			values = append(values, v)
			from = end
		}
		i = end
	}
	b.WriteString(query[from:])
	return b.String(), values
}

// named is the value's variable in a statement. Its collation is explicit: it is compared
// byte by byte with columns of another.
func (v longValue) named(variable string) string {
	if v.charset == "" || v.charset == "binary" {
		return variable
	}
	return "(" + variable + " COLLATE " + v.charset + "_bin)"
}

// literalEnd is the end of the quoted name, the string or the hexadecimal number at i, or
// the next byte.
func literalEnd(query string, i int) int {
	switch c := query[i]; {
	case c == '\'' || c == '`':
		for j := i + 1; j < len(query); j++ {
			switch {
			case c == '\'' && query[j] == '\\':
				j++
			case query[j] == c && j+1 < len(query) && query[j+1] == c:
				j++
			case query[j] == c:
				return j + 1
			}
		}
		return len(query)
	case c == '0' && i+1 < len(query) && query[i+1] == 'x' && (i == 0 || !isWord(query[i-1])):
		j := i + 2
		for j < len(query) && isWord(query[j]) {
			j++
		}
		return j
	}
	return i + 1
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

func valueOf(literal string) (v longValue, ok bool) {
	if literal[0] == '\'' {
		return longValue{bytes: unquoted(literal[1 : len(literal)-1]), charset: "utf8mb4"}, true
	}
	value, err := hex.DecodeString(literal[2:])
	return longValue{bytes: value}, err == nil
}

// unquoted is the text between the quotes.
//
// https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
func unquoted(text string) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if i+1 < len(text) && (c == '\\' || c == '\'') {
			i++
			if c = text[i]; text[i-1] == '\\' {
				c = escaped(c)
			}
		}
		out = append(out, c)
	}
	return out
}

func escaped(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'Z':
		return 26
	}
	return c
}

// errCollected says that a variable does not hold what was sent.
var errCollected = errors.New("the server did not take a long value as it was sent")

// collect sends the value piece by piece, and makes sure that the server has it.
func (v longValue) collect(ctx context.Context, c Execer, name string, packet int64) error {
	piece := int(packet-packetBesides) / 2
	for at := 0; at < len(v.bytes); at += piece {
		value := string(schema.AppendHex(nil, v.bytes[at:min(len(v.bytes), at+piece)]))
		if at > 0 {
			value = "CONCAT(" + name + ", " + value + ")"
		}
		if _, err := c.ExecContext(ctx, "SET "+name+" = "+value); err != nil {
			return err
		}
	}
	if v.charset != "" && v.charset != "binary" {
		q := "SET " + name + " = CONVERT(" + name + " USING " + v.charset + ")"
		if _, err := c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	got, err := schema.One(ctx, c,
		fmt.Sprintf("SELECT LENGTH(%s) = %d AND SHA2(%s, 256) = '%x'", name, len(v.bytes), name,
			sha256.Sum256(v.bytes)))
	if err == nil && got != "1" {
		err = errCollected
	}
	return err
}
