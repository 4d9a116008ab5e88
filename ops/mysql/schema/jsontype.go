package schema

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// MySQL's JSON holds values of types that JSON does not have: JSON_OBJECT('at', NOW()) keeps
// a DATETIME. The server prints them like strings, so their text does not tell them apart:
// JSON_SEARCH does, for it finds strings alone.
// https://dev.mysql.com/doc/refman/8.4/en/json.html#json-values

// jsonKind is the type of a value inside a JSON value.
type jsonKind int

const (
	jsonString jsonKind = iota
	jsonDecimal
	jsonDate
	jsonTime
	jsonDatetime
	jsonOpaque // bytes of any other type
)

// kindOf is the type that a quoted value has if it is no string.
func kindOf(text []byte) jsonKind {
	switch {
	case shaped(text, "0000-00-00"):
		return jsonDate
	case shaped(text, "0000-00-00 00:00:00.000000"):
		return jsonDatetime
	case len(text) > 0 && text[0] == '-' && kindOf(text[1:]) == jsonTime,
		shaped(text, "00:00:00.000000"), shaped(text, "000:00:00.000000"):
		return jsonTime
	case strings.HasPrefix(string(text), opaquePrefix):
		return jsonOpaque
	}
	return jsonString
}

const opaquePrefix = "base64:type"

// shaped tells whether a text has the form of another, with any digits for its zeros.
func shaped(text []byte, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i, b := range text {
		if form[i] == '0' && (b < '0' || b > '9') || form[i] != '0' && b != form[i] {
			return false
		}
	}
	return true
}

// MayHoldTypes tells whether a JSON text of MySQL has a quoted value that may be no string.
func MayHoldTypes(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end := stringEnd(text, i)
		if end-i > len(`"0000-00-00`) && kindOf(text[i+1:end-1]) != jsonString {
			return true
		}
		i = end - 1
	}
	return false
}

// JSONStrings are the paths of the strings inside a JSON value, as $."key"[0].
type JSONStrings map[string]bool

// ReadJSONStrings reads the answer of StringsOf, other than NULL.
func ReadJSONStrings(answer []byte) JSONStrings {
	var paths []string
	if json.Unmarshal(answer, &paths) != nil {
		paths = make([]string, 1)
		if json.Unmarshal(answer, &paths[0]) != nil {
			paths = nil
		}
	}
	all := JSONStrings{}
	for _, p := range paths {
		all[quotedPath(p)] = true
	}
	return all
}

// StringsOf is a column that tells which quoted values of a JSON column are strings: NULL
// for all of them, else what ReadJSONStrings reads.
func (c Column) StringsOf() Column {
	const expr = "IF(? = CAST(CAST(? AS CHAR) AS JSON), NULL, COALESCE(CAST(JSON_SEARCH(?, 'all', '%') AS CHAR), '[]'))"
	return Column{Name: c.Name, DataType: "longtext", Form: FormText, expr: expr}
}

// quotedPath quotes the keys of a path that the server has not quoted.
func quotedPath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		b.WriteByte(path[i])
		if path[i] != '.' {
			i++
			continue
		}
		i++
		end := i
		if end < len(path) && path[end] == '"' {
			end = stringEnd([]byte(path), i)
			b.WriteString(path[i:end])
		} else {
			for end < len(path) && path[end] != '.' && path[end] != '[' {
				end++
			}
			b.WriteString(`"` + path[i:end] + `"`)
		}
		i = end
	}
	return b.String()
}

// quoted takes a quoted value of a path.
func (w *jsonWalk) quoted(path, value []byte) {
	if w.strings == nil || len(value) < 2 || w.strings[string(path)] {
		return
	}
	text := string(value[1 : len(value)-1])
	kind := kindOf(value[1 : len(value)-1])
	if kind == jsonString {
		return
	}
	if _, ok := appendOpaque(nil, text); kind == jsonOpaque && !ok {
		return // it stays a string
	}
	w.found = append(w.found, typed{append([]byte(nil), path...), text, kind})
}

// blobs are the types of byte strings by their numbers in the server's protocol.
// https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
var blobs = map[string]string{"249": "TINYBLOB", "250": "MEDIUMBLOB", "251": "LONGBLOB", "252": "BLOB"}

// appendOpaque writes bytes of another type, printed as base64:type252:…; ok is false for
// a type that no expression gives.
func appendOpaque(dst []byte, text string) (out []byte, ok bool) {
	number, data, _ := strings.Cut(strings.TrimPrefix(text, opaquePrefix), ":")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return dst, false
	}
	switch number {
	case "15": // VARBINARY
		return append(AppendHex(append(dst, "CAST("...), raw), " AS BINARY)"...), true
	case "16":
		return appendBit(dst, raw)
	case "254":
		dst = AppendHex(append(dst, "(SELECT v FROM JSON_TABLE(JSON_ARRAY("...), raw)
		dst = strconv.AppendInt(append(dst, "),'$[*]' COLUMNS(v BINARY("...), int64(len(raw)), 10)
		return append(dst, ") PATH '$')) j)"...), true
	}
	kind, ok := blobs[number]
	if !ok {
		return dst, false
	}
	// The UNION takes its type from the empty table; the scalar subquery alone would lose it.
	dst = append(dst,
		"(SELECT JSON_EXTRACT(JSON_ARRAY(v),'$[0]') FROM (SELECT v FROM JSON_TABLE('[]','$[*]' COLUMNS(v "...)
	dst = append(dst, kind...)
	dst = append(dst, " PATH '$')) j UNION ALL SELECT "...)
	if len(raw) == 0 {
		dst = append(dst, "_binary''"...) // '' alone would be text
	} else {
		dst = AppendHex(dst, raw)
	}
	return append(dst, ") u)"...), true
}

// appendBit writes a value of the type BIT.
func appendBit(dst, raw []byte) ([]byte, bool) {
	if len(raw) == 0 || len(raw) > 8 {
		return dst, false
	}
	n := uint64(0)
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	dst = strconv.AppendUint(append(dst, "(SELECT v FROM JSON_TABLE('["...), n, 10)
	dst = strconv.AppendInt(append(dst, "]','$[*]' COLUMNS(v BIT("...), int64(8*len(raw)), 10)
	return append(dst, ") PATH '$')) j)"...), true
}
