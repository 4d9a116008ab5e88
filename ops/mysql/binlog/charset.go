package binlog

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charsets are the charsets of clients that are not UTF-8, by the number of their default
// collation, which is what a query event holds. latin1 is Windows-1252, as the server reads it.
//
// SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS WHERE IS_DEFAULT = 'Yes'.
var charsets = map[uint16]encoding.Encoding{
	1:   traditionalchinese.Big5,
	4:   charmap.CodePage850,
	7:   charmap.KOI8R,
	8:   charmap.Windows1252,
	9:   charmap.ISO8859_2,
	12:  japanese.EUCJP,
	13:  japanese.ShiftJIS,
	16:  charmap.ISO8859_8,
	18:  charmap.Windows874,
	19:  korean.EUCKR,
	22:  charmap.KOI8U,
	24:  simplifiedchinese.GBK, // gb2312, which is a part of it
	25:  charmap.ISO8859_7,
	26:  charmap.Windows1250,
	28:  simplifiedchinese.GBK,
	30:  charmap.ISO8859_9,
	36:  charmap.CodePage866,
	40:  charmap.CodePage852,
	41:  charmap.ISO8859_13,
	51:  charmap.Windows1251,
	57:  charmap.Windows1256,
	59:  charmap.Windows1257,
	95:  japanese.ShiftJIS, // cp932
	97:  japanese.EUCJP,    // eucjpms
	248: simplifiedchinese.GB18030,
	249: simplifiedchinese.GB18030,
}

// trails are the charsets in which the second byte of a character may be an ASCII character,
// as a backslash or a quote: whether two bytes are one character for the server's lexer, also
// where the pair has no character.
//
// ismbchar_* in strings/ctype-{big5,gbk,sjis,cp932,gb18030}.cc of MySQL.
var trails = map[uint16]func(head, tail byte) bool{
	1:   big5Pair,
	13:  sjisPair,
	28:  gbkPair,
	95:  sjisPair,
	248: gbkPair,
	249: gbkPair,
}

func within(b, from, to byte) bool { return from <= b && b <= to }

func big5Pair(head, tail byte) bool {
	return within(head, 0xa1, 0xf9) && (within(tail, 0x40, 0x7e) || within(tail, 0xa1, 0xfe))
}

func gbkPair(head, tail byte) bool {
	return within(head, 0x81, 0xfe) && (within(tail, 0x40, 0x7e) || within(tail, 0x80, 0xfe))
}

func sjisPair(head, tail byte) bool {
	return (within(head, 0x81, 0x9f) || within(head, 0xe0, 0xfc)) &&
		(within(tail, 0x40, 0x7e) || within(tail, 0x80, 0xfc))
}

// noCharacter is the first of 256 private characters, which stand for bytes that are no
// character of the client's charset, as those of a binary string.
const noCharacter = 0x10ff00

// decode turns the text of a statement into UTF-8, if its client spoke another charset.
// ForClient turns it back into the same bytes.
func (q *Query) decode() {
	charset := charsets[q.Client]
	if charset == nil || !bytes.ContainsFunc(q.SQL, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return
	}
	q.charset = charset
	text, err := charset.NewDecoder().Bytes(q.SQL)
	if err == nil {
		again, err := charset.NewEncoder().Bytes(text)
		if err == nil && bytes.Equal(again, q.SQL) {
			q.SQL = text
			return
		}
	}
	q.SQL = decodeEach(charset, trails[q.Client], q.SQL)
}

// decodeEach decodes character by character. pair is nil for charsets in which each byte of a
// character is outside ASCII.
func decodeEach(charset encoding.Encoding, pair func(head, tail byte) bool, text []byte) []byte {
	decoder, encoder := charset.NewDecoder(), charset.NewEncoder()
	one := func(part []byte) []byte {
		char, err := decoder.Bytes(part)
		if err != nil || utf8.RuneCount(char) != 1 {
			return nil
		}
		if again, err := encoder.Bytes(char); err != nil || !bytes.Equal(again, part) {
			return nil
		}
		return char
	}
	var out []byte
next:
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		for n := 1; n <= min(4, len(text)); n++ {
			if char := one(text[:n]); char != nil {
				out, text = append(out, char...), text[n:]
				continue next
			}
		}
		n := 1
		if pair != nil && len(text) > 1 && pair(text[0], text[1]) {
			n = 2
		}
		for _, b := range text[:n] {
			out = utf8.AppendRune(out, noCharacter+rune(b))
		}
		text = text[n:]
	}
	return out
}

// ForClient is text of the query as its client would send it, for a session that has set the
// query's character_set_client. It is false for text that the client's charset cannot hold.
func (q *Query) ForClient(text string) (string, bool) {
	if q.charset == nil {
		return text, true
	}
	encoder := q.charset.NewEncoder()
	var out []byte
	for len(text) > 0 {
		at := strings.IndexFunc(text, func(r rune) bool { return r >= noCharacter })
		if at == 0 {
			r, n := utf8.DecodeRuneInString(text)
			out, text = append(out, byte(r-noCharacter)), text[n:]
			continue
		}
		if at < 0 {
			at = len(text)
		}
		part, err := encoder.String(text[:at])
		if err != nil {
			return "", false
		}
		out, text = append(out, part...), text[at:]
	}
	return string(out), true
}
