package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Versions of a cursor: a numbered table's is as long as its numbers, another
// one's ends with its key.
const (
	cursorNumbered = 1
	cursorKeyed    = 2
	cursorLength   = 1 + 8 + 8 + 8
)

// Cursor writes a place in the table's order as opaque text. It is bound to
// schema and table, and a change of any of its bytes is seen: it holds a
// checksum keyed with the table's name. That guards against mistakes; it is no
// secret, for a cursor grants nothing that the account cannot read.
func (l *Layout) Cursor(p Pos) string {
	b := make([]byte, 1, cursorLength+len(p.Key))
	b[0] = l.cursorVersion()
	b = binary.BigEndian.AppendUint64(b, uint64(p.At))
	b = binary.BigEndian.AppendUint64(b, uint64(p.ID))
	b = append(b, p.Key...)
	return base64.RawURLEncoding.EncodeToString(append(b, l.seal(b)...))
}

func (l *Layout) cursorVersion() byte {
	if l.numbered {
		return cursorNumbered
	}
	return cursorKeyed
}

// ParseCursor reads what Cursor wrote for this very table.
func (l *Layout) ParseCursor(text string) (Pos, error) {
	bad := func() error {
		return ops.E(ops.Usage, lang.M("the cursor does not belong to the table %s", l.Table)).
			WithHint(lang.M("use next_cursor of an earlier page of this table, unchanged"))
	}
	// Strict: the unused low bits of the last character count as tampering too.
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < cursorLength || b[0] != l.cursorVersion() {
		return Pos{}, bad()
	}
	end := len(b) - 8
	p := Pos{
		At:  Stamp(binary.BigEndian.Uint64(b[1:9])),
		ID:  int64(binary.BigEndian.Uint64(b[9:17])),
		Key: string(b[17:end]),
	}
	if !hmac.Equal(b[end:], l.seal(b[:end])) || l.numbered != (p.Key == "") ||
		!l.numbered && len(SplitKey(p.Key, len(l.Keys))) != len(l.Keys) {
		return Pos{}, bad()
	}
	return p, nil
}

func (l *Layout) seal(b []byte) []byte {
	m := hmac.New(sha256.New, []byte("opsdeck audit cursor\x00"+l.Schema+"\x00"+l.Table))
	m.Write(b)
	return m.Sum(nil)[:8]
}
