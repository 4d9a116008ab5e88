// Package schema knows what a database of MySQL or MariaDB is made of: how its
// names and values are written in SQL, its tables with their columns and keys,
// its other objects, and the hash of a definition that stays the same when the
// definition is restored elsewhere.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// Ident quotes a name: `order`.
func Ident(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// Name quotes a table's name with its database's: `shop`.`orders`.
func Name(database, table string) string { return Ident(database) + "." + Ident(table) }

// NameLimit is the most characters (not bytes) in the name of a database or table:
// https://dev.mysql.com/doc/refman/9.0/en/identifier-length.html
const NameLimit = 64

// fileLimit is the most bytes of a name as the server's file system has it, where
// most characters but letters, digits and _ are five bytes long (@5e93), with room
// for an ending: https://dev.mysql.com/doc/refman/9.0/en/identifier-mapping.html
const fileLimit = 240

// Beside is the name of something of ours beside what is called base: base and
// tail. Where that is too long, base is cut and a hash of it is put between the
// two, so that names which begin alike stay apart. tail is ASCII and short.
func Beside(base, tail string) string {
	if fits(base + tail) {
		return base + tail
	}
	sum := sha256.Sum256([]byte(base))
	tail = "_" + hex.EncodeToString(sum[:4]) + tail
	runes := []rune(base)
	for !fits(string(runes) + tail) {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + tail
}

func fits(name string) bool {
	characters, bytes := 0, 0
	for _, r := range name {
		characters++
		if bytes++; r != '_' && (r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			bytes += len("5e93")
		}
	}
	return characters <= NameLimit && bytes <= fileLimit
}

// Idents quotes names and joins them by commas.
func Idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = Ident(n)
	}
	return strings.Join(quoted, ",")
}

// String quotes text as a literal, for sessions without NO_BACKSLASH_ESCAPES.
func String(text string) string { return string(AppendString(nil, text)) }

// escapes holds, for each byte that must not stand in a quoted literal as it
// is, the byte behind the backslash. Besides what SQL needs, these are the
// bytes that line-wise tools stumble over.
var escapes = [256]byte{0: '0', '\n': 'n', '\r': 'r', '\\': '\\', '\'': '\'', 0x1a: 'Z'}

// AppendString appends text as a quoted literal.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '\'')
	for {
		i := special(text)
		if i < 0 {
			return append(append(dst, text...), '\'')
		}
		dst = append(append(dst, text[:i]...), '\\', escapes[text[i]])
		text = text[i+1:]
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special finds the first byte that must be escaped, or -1. Eight bytes at a
// time are looked at for control characters, quotes and backslashes: a byte b
// is zero in x exactly where (x - ones) &^ x has b's high bit, or above such one.
func special[T string | []byte](text T) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		x := uint64(text[i]) | uint64(text[i+1])<<8 | uint64(text[i+2])<<16 | uint64(text[i+3])<<24 |
			uint64(text[i+4])<<32 | uint64(text[i+5])<<40 | uint64(text[i+6])<<48 | uint64(text[i+7])<<56
		quote, slash := x^ones*'\'', x^ones*'\\'
		if ((x-ones*0x20)&^x|(quote-ones)&^quote|(slash-ones)&^slash)&highs != 0 {
			for j := i; j < i+8; j++ {
				if escapes[text[j]] != 0 {
					return j
				}
			}
		}
	}
	for ; i < len(text); i++ {
		if escapes[text[i]] != 0 {
			return i
		}
	}
	return -1
}

const hexDigits = "0123456789ABCDEF"

// AppendHex appends bytes as a hexadecimal literal; no bytes are ”.
func AppendHex(dst, data []byte) []byte {
	if len(data) == 0 {
		return append(dst, '\'', '\'')
	}
	dst = append(dst, '0', 'x')
	for _, b := range data {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}
