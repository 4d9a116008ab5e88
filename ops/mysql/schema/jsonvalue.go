package schema

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// appendJSON writes a JSON value, as the server prints it, as SQL that gives the same value.
// The server reads a number of a JSON text as a double and whatever is quoted as a string,
// so the DECIMALs that a double would change, and the values of other types, are set
// afterwards. strings tells which quoted values are strings; nil: all of them.
// https://dev.mysql.com/doc/refman/8.4/en/json.html#json-values
func appendJSON(dst, text []byte, strings JSONStrings) []byte {
	w := jsonWalk{text: text, strings: strings}
	if strings == nil && !w.any() {
		return AppendString(dst, text)
	}
	w.value([]byte{'$'})
	if len(w.found) == 0 {
		return AppendString(dst, text)
	}
	dst = append(dst, "JSON_SET("...)
	dst = AppendString(dst, text)
	for _, v := range w.found {
		dst = append(dst, ',')
		dst = AppendString(dst, v.path)
		dst = append(dst, ',')
		dst = v.append(dst)
	}
	return append(dst, ')')
}

// typed is a value inside a JSON value that a JSON text does not give, and where it is.
type typed struct {
	path []byte // $."key"[0]
	text string
	kind jsonKind
}

func (v typed) append(dst []byte) []byte {
	if v.kind == jsonOpaque {
		dst, _ = appendOpaque(dst, v.text)
		return dst
	}
	dst = append(dst, "CAST('"...)
	dst = append(dst, v.text...)
	dst = append(dst, "' AS "...)
	switch v.kind {
	case jsonDate:
		return append(dst, "DATE)"...)
	case jsonTime:
		return append(dst, "TIME(6))"...)
	case jsonDatetime:
		return append(dst, "DATETIME(6))"...)
	}
	dst = append(dst, "DECIMAL("...)
	whole, places := digits(v.text)
	dst = strconv.AppendInt(dst, int64(max(1, whole+places)), 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, int64(places), 10)
	return append(dst, "))"...)
}

// jsonWalk walks through a JSON text of the server.
type jsonWalk struct {
	text    []byte
	strings JSONStrings
	at      int
	found   []typed
}

// any tells quickly whether there is a DECIMAL at all.
func (w *jsonWalk) any() bool {
	for i := 0; i < len(w.text); {
		switch b := w.text[i]; {
		case b == '"':
			i = stringEnd(w.text, i)
		case b == '-' || b >= '0' && b <= '9':
			end := numberEnd(w.text, i)
			if onlyDecimal(string(w.text[i:end])) {
				return true
			}
			i = end
		default:
			i++
		}
	}
	return false
}

// value walks over the value at a path.
func (w *jsonWalk) value(path []byte) {
	w.space()
	if w.at >= len(w.text) {
		return
	}
	switch b := w.text[w.at]; {
	case b == '{':
		w.members(path, '}', true)
	case b == '[':
		w.members(path, ']', false)
	case b == '"':
		end := stringEnd(w.text, w.at)
		w.quoted(path, w.text[w.at:end])
		w.at = end
	case b == '-' || b >= '0' && b <= '9':
		end := numberEnd(w.text, w.at)
		if n := string(w.text[w.at:end]); onlyDecimal(n) {
			w.found = append(w.found, typed{bytes.Clone(path), n, jsonDecimal})
		}
		w.at = end
	default: // true, false, null
		for w.at < len(w.text) && w.text[w.at] >= 'a' && w.text[w.at] <= 'z' {
			w.at++
		}
	}
}

// members walks over the members of an object or an array.
func (w *jsonWalk) members(path []byte, end byte, keyed bool) {
	w.at++
	for i := 0; w.at < len(w.text); i++ {
		w.space()
		if w.at >= len(w.text) {
			return
		}
		if w.text[w.at] == end {
			w.at++
			return
		}
		before := w.at
		leg := append(strconv.AppendInt([]byte{'['}, int64(i), 10), ']')
		if keyed && w.text[w.at] == '"' {
			key := w.at
			w.at = stringEnd(w.text, w.at)
			leg = append([]byte{'.'}, w.text[key:w.at]...)
			w.space()
			w.at++ // the colon
		}
		w.value(append(path[:len(path):len(path)], leg...))
		w.space()
		if w.at < len(w.text) && w.text[w.at] == ',' {
			w.at++
		}
		if w.at == before { // not a text of the server
			w.at = len(w.text)
		}
	}
}

func (w *jsonWalk) space() {
	for w.at < len(w.text) && (w.text[w.at] == ' ' || w.text[w.at] == '\n' || w.text[w.at] == '\t') {
		w.at++
	}
}

// stringEnd is the index after the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func numberEnd(text []byte, i int) int {
	for i < len(text) && (text[i] == '-' || text[i] == '+' || text[i] == '.' || text[i]|0x20 == 'e' ||
		text[i] >= '0' && text[i] <= '9') {
		i++
	}
	return i
}

// shortWhole is the number of digits that every integer of the server may have.
const shortWhole = 18

// onlyDecimal tells whether a number is printed in a way in which the server prints no
// integer and no double: it prints doubles with the fewest digits that tell them apart, at
// least one of them after the point, and with an exponent from 1e15 on.
func onlyDecimal(n string) bool {
	if strings.ContainsAny(n, "eE") {
		return false
	}
	if !strings.Contains(n, ".") {
		if len(n) <= shortWhole {
			return false
		}
		_, signed := strconv.ParseInt(n, 10, 64)
		_, unsigned := strconv.ParseUint(n, 10, 64)
		return signed != nil && unsigned != nil
	}
	v, err := strconv.ParseFloat(n, 64)
	if err != nil || math.Abs(v) >= 1e15 {
		return true
	}
	shortest := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(shortest, ".") {
		shortest += ".0"
	}
	return shortest != n
}

// digits counts the digits before and after the point.
func digits(n string) (whole, places int) {
	before, after, _ := strings.Cut(strings.TrimPrefix(n, "-"), ".")
	if before == "0" {
		return 0, len(after)
	}
	return len(before), len(after)
}
