package binlog

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// KeyText is a value as a person types it in a key: bytes in hexadecimal.
func KeyText(v domain.Value) string {
	if v.Kind == domain.Binary || v.Kind == domain.Bits {
		return "0x" + hex.EncodeToString(v.Text)
	}
	return string(v.Text)
}

// IsTyped reports whether a logged value is the one that a person typed as part of a key:
// numbers by their worth, texts by the column's collation, members of an ENUM by name or
// number, bytes as text or in hexadecimal. now is today's column, nil if there is none.
func IsTyped(v domain.Value, col domain.Column, now *schema.Column, typed string) bool {
	if v.Null || v.Absent {
		return false
	}
	text := string(v.Text)
	if text == typed && v.Kind != domain.Binary && v.Kind != domain.Bits {
		return true
	}
	switch v.Kind {
	case domain.Number, domain.Float, domain.Double:
		return sameNumber(v, col, typed)
	case domain.Enum, domain.Set:
		members := col.Members
		if members == nil && now != nil {
			members = Members(now.Type)
		}
		return members != nil && strings.EqualFold(MemberNames(members, v), typed)
	case domain.Binary, domain.Bits:
		return isTypedBytes(v.Text, typed)
	case domain.Temporal:
		return trimFraction(text) == trimFraction(typed)
	case domain.Typed:
		return strings.EqualFold(strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(typed, "-", ""))
	case domain.Text:
		return now != nil && folded(text, now.Collation) == folded(typed, now.Collation)
	}
	return false
}

// sameNumber compares by worth. A negative integer of a column whose sign the log does not
// tell may be a large unsigned one.
func sameNumber(v domain.Value, col domain.Column, typed string) bool {
	if v.Kind == domain.Number { // most keys are positive integers
		a, errA := strconv.ParseInt(typed, 10, 64)
		b, errB := strconv.ParseInt(string(v.Text), 10, 64)
		if errA == nil && errB == nil && b >= 0 {
			return a == b
		}
	}
	want, ok := new(big.Rat).SetString(typed)
	have, okHave := new(big.Rat).SetString(string(v.Text))
	if !ok || !okHave {
		return false
	}
	if v.Kind == domain.Float {
		a, errA := strconv.ParseFloat(string(v.Text), 32)
		b, errB := strconv.ParseFloat(typed, 32)
		return errA == nil && errB == nil && a == b
	}
	if want.Cmp(have) == 0 {
		return true
	}
	word, _, _ := strings.Cut(col.Type, " ")
	if have.Sign() < 0 && !col.Signed && integerBits[word] > 0 {
		have.Add(have, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(integerBits[word]))))
		return want.Cmp(have) == 0
	}
	return false
}

// isTypedBytes compares bytes, of which BINARY loses its zeros at the end in the log.
func isTypedBytes(value []byte, typed string) bool {
	if bytes.Equal(value, []byte(typed)) {
		return true
	}
	digits, ok := strings.CutPrefix(strings.ToLower(typed), "0x")
	if !ok {
		return false
	}
	want, err := hex.DecodeString(digits)
	return err == nil && bytes.Equal(bytes.TrimRight(want, "\x00"), bytes.TrimRight(value, "\x00"))
}

func trimFraction(text string) string {
	if whole, fraction, ok := strings.Cut(text, "."); ok && strings.Trim(fraction, "0") == "" {
		return whole
	}
	return strings.TrimRight(text, " ")
}

// folded is a text with the differences removed that a collation ignores. It ignores more
// than the server at most: what it takes for the same is shown once too often.
func folded(text, collation string) string {
	if collation == "" || strings.HasSuffix(collation, "_bin") || collation == "binary" {
		return padless(text, collation)
	}
	text = padless(text, collation)
	if strings.HasSuffix(collation, "_cs") {
		return text
	}
	if !strings.HasSuffix(collation, "_as_ci") {
		text = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(text))
	}
	return strings.ToLower(strings.ToUpper(text))
}

// padless removes the blanks at the end, which every collation but those of MySQL 8's own
// (0900) and MariaDB's NOPAD ones ignores.
func padless(text, collation string) string {
	if strings.Contains(collation, "_0900_") || strings.Contains(collation, "nopad") || collation == "" {
		return text
	}
	return strings.TrimRight(text, " ")
}

// MemberNames is the name of an ENUM's member, or the names of a SET's, by their numbers.
func MemberNames(members []string, v domain.Value) string {
	n, err := strconv.ParseUint(string(v.Text), 10, 64)
	switch {
	case err != nil || len(members) == 0:
		return string(v.Text)
	case v.Kind == domain.Enum && n == 0:
		return ""
	case v.Kind == domain.Enum && n <= uint64(len(members)):
		return members[n-1]
	case v.Kind == domain.Enum:
		return string(v.Text)
	}
	var names []string
	for i, name := range members {
		if i < 64 && n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
