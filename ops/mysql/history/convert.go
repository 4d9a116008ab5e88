package history

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// integers are the bits of the integer types.
var integers = map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}

// texts are the longest values of the text types, in bytes; CHAR and VARCHAR count
// characters by their declaration.
var texts = map[string]int{
	"tinytext":   1<<8 - 1,
	"text":       1<<16 - 1,
	"mediumtext": 1<<24 - 1,
	"longtext":   1<<32 - 1,
	"tinyblob":   1<<8 - 1,
	"blob":       1<<16 - 1,
	"mediumblob": 1<<24 - 1,
	"longblob":   1<<32 - 1,
}

// converted is a value of a column that was declared again since, as a value of today's
// column. A value that would not come out exactly is refused.
func (l *logged) converted(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	word, _, _ := strings.Cut(l.column.Type, " ")
	switch v.Kind {
	case binlog.Number:
		if integers[word] > 0 {
			return l.integer(v, integers[word], now)
		}
		if word == "decimal" && now.DataType == "decimal" {
			return decimal(v, now)
		}
	case binlog.Float, binlog.Double:
		return float(v, now)
	case binlog.Enum, binlog.Set:
		return l.member(v, now)
	case binlog.Temporal:
		if word == now.DataType {
			return temporal(v, now)
		}
		return v, WrongType
	case binlog.Text, binlog.Binary:
		return l.text(v, now)
	}
	if word != now.DataType || l.was == nil || l.was.Args != brackets(now.Type) {
		return v, WrongType
	}
	return format.Reread(v, l.column, now), ""
}

// integer reads the sign that the log may not tell, and looks whether today's type holds
// the number.
func (l *logged) integer(v binlog.Value, bits int, now schema.Column) (binlog.Value, Why) {
	text := string(v.Text)
	if strings.HasPrefix(text, "-") && !l.column.Signed {
		switch {
		case l.was == nil:
			return v, SignUnknown
		case l.was.Unsigned:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return v, WrongType
			}
			text = strconv.FormatUint(uint64(n)&(^uint64(0)>>(64-bits)), 10)
		}
	}
	v.Text = []byte(text)
	if now.DataType == "decimal" {
		return decimal(v, now)
	}
	to := integers[now.DataType]
	if to == 0 {
		return v, WrongType
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return v, WrongType
	}
	least := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), uint(to-1)))
	most := new(big.Int).Lsh(big.NewInt(1), uint(to-1))
	if strings.Contains(now.Type, "unsigned") {
		least = big.NewInt(0)
		most.Lsh(most, 1)
	}
	if n.Cmp(least) < 0 || n.Cmp(most) >= 0 {
		return v, OutOfRange
	}
	return v, ""
}

// decimal gives a number the places of today's type, if none that counts is lost.
func decimal(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	precision, scale := places(now.Type)
	whole, fraction, _ := strings.Cut(string(v.Text), ".")
	digits := strings.TrimLeft(strings.TrimPrefix(whole, "-"), "0")
	negative := strings.HasPrefix(whole, "-")
	kept := strings.TrimRight(fraction, "0")
	if len(digits) > precision-scale || len(kept) > scale || negative && strings.Contains(now.Type, "unsigned") {
		return v, OutOfRange
	}
	if scale > 0 {
		whole += "." + kept + strings.Repeat("0", scale-len(kept))
	}
	v.Text = []byte(whole)
	return v, ""
}

// places are the digits of a DECIMAL, and those after the point.
func places(declared string) (precision, scale int) {
	first, second, _ := strings.Cut(brackets(declared), ",")
	precision, err := strconv.Atoi(first)
	if err != nil {
		precision = 10
	}
	scale, _ = strconv.Atoi(second)
	return precision, scale
}

// brackets is what a declared type has in its brackets.
func brackets(declared string) string {
	_, rest, _ := strings.Cut(declared, "(")
	inside, _, _ := strings.Cut(rest, ")")
	return strings.ReplaceAll(inside, " ", "")
}

func float(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	switch {
	case v.Kind == binlog.Float && now.DataType == "float", v.Kind == binlog.Double && now.DataType == "double":
		return v, ""
	case v.Kind == binlog.Float && now.DataType == "double":
		n, err := strconv.ParseFloat(string(v.Text), 32)
		if err != nil {
			return v, WrongType
		}
		return binlog.Value{Kind: binlog.Double, Text: strconv.AppendFloat(nil, n, 'g', -1, 64)}, ""
	}
	return v, WrongType
}

// member finds the members of that time among those of today.
func (l *logged) member(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	word, _, _ := strings.Cut(l.column.Type, " ")
	then := l.column.Members
	if then == nil && l.was != nil {
		then = l.was.Members
	}
	n, err := strconv.ParseUint(string(v.Text), 10, 64)
	switch {
	case word != now.DataType || err != nil:
		return v, WrongType
	case n == 0:
		return v, "" // '' of an ENUM, or no member of a SET
	case then == nil:
		return v, MembersUnknown
	}
	today := format.Members(now.Type)
	find := func(i int) int { return slices.Index(today, then[i]) }
	if v.Kind == binlog.Enum {
		if n > uint64(len(then)) || find(int(n-1)) < 0 {
			return v, NoMember
		}
		v.Text = strconv.AppendInt(nil, int64(find(int(n-1))+1), 10)
		return v, ""
	}
	out := uint64(0)
	for i := range 64 {
		if n&(1<<i) == 0 {
			continue
		}
		if i >= len(then) || find(i) < 0 {
			return v, NoMember
		}
		out |= 1 << find(i)
	}
	v.Text = strconv.AppendUint(nil, out, 10)
	return v, ""
}

// temporal gives a time the digits of today's type, if none that counts is lost.
func temporal(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	if now.DataType == "date" {
		return v, ""
	}
	digits, _ := strconv.Atoi(brackets(now.Type))
	whole, fraction, _ := strings.Cut(string(v.Text), ".")
	kept := strings.TrimRight(fraction, "0")
	if len(kept) > digits {
		return v, OutOfRange
	}
	if digits > 0 {
		whole += "." + kept + strings.Repeat("0", digits-len(kept))
	}
	v.Text = []byte(whole)
	return v, ""
}

// text compares character sets and lengths.
func (l *logged) text(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	word, _, _ := strings.Cut(l.column.Type, " ")
	most, declared := texts[now.DataType], 0
	switch now.DataType {
	case "char", "varchar", "binary", "varbinary":
		declared, _ = strconv.Atoi(brackets(now.Type))
	default:
		if most == 0 {
			return v, WrongType
		}
	}
	if (now.DataType == "binary") != (word == "binary") {
		return v, WrongType // its zeros at the end
	}
	if why := l.sameCharset(v, now); why != "" {
		return v, why
	}
	length := len(v.Text)
	if declared > 0 {
		most = declared
		if strings.HasPrefix(now.Charset, "utf8") {
			length = utf8.RuneCount(v.Text)
		}
	}
	if length > most {
		return v, OutOfRange
	}
	return format.Reread(v, l.column, now), ""
}

// sameCharset reports why the bytes of a text may mean something else today; "" if they
// mean the same.
func (l *logged) sameCharset(v binlog.Value, now schema.Column) Why {
	then := ""
	if l.was != nil {
		then = l.was.Charset
	}
	if known := format.Charset(l.column.Charset); known != "" {
		then = known
	}
	isBinary := now.Charset == "" || now.Charset == "binary"
	switch {
	case then == now.Charset && then != "", then == "binary" && isBinary:
		return ""
	case then == "utf8mb3" && now.Charset == "utf8mb4":
		return ""
	case wide[then] || wide[now.Charset] || isBinary || then == "binary":
		return CharsetUnknown
	case isASCII(v.Text) && (then != "" || v.Kind == binlog.Text):
		return ""
	}
	return CharsetUnknown
}

// wide are the character sets in which an ASCII character is not its own byte.
var wide = wordSet("ucs2 utf16 utf16le utf32 swe7")

func isASCII(text []byte) bool {
	return !slices.ContainsFunc(text, func(b byte) bool { return b >= 0x80 })
}
