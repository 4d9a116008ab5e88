package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

const (
	cursorVersion = 1
	cursorLength  = 1 + 8 + 8 + 8
)

// Cursor writes a place in the table's order as opaque text. It is bound to
// schema and table, and a change of any of its bytes is seen: it holds a
// checksum keyed with the table's name. That guards against mistakes; it is no
// secret, for a cursor grants nothing that the account cannot read.
func (l *Layout) Cursor(p Pos) string {
	b := make([]byte, 1, cursorLength)
	b[0] = cursorVersion
	b = binary.BigEndian.AppendUint64(b, uint64(p.At))
	b = binary.BigEndian.AppendUint64(b, uint64(p.ID))
	return base64.RawURLEncoding.EncodeToString(append(b, l.seal(b)...))
}

// ParseCursor reads what Cursor wrote for this very table.
func (l *Layout) ParseCursor(text string) (Pos, error) {
	bad := func() error {
		return ops.E(ops.Usage, lang.M("the cursor is not one of the table %s", l.Table)).
			WithHint(lang.M("use next_cursor of an earlier page of this table, unchanged"))
	}
	// Strict: the unused low bits of the last character count as tampering too.
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorLength || b[0] != cursorVersion || !hmac.Equal(b[17:], l.seal(b[:17])) {
		return Pos{}, bad()
	}
	return Pos{At: Stamp(binary.BigEndian.Uint64(b[1:9])), ID: int64(binary.BigEndian.Uint64(b[9:17]))}, nil
}

func (l *Layout) seal(b []byte) []byte {
	m := hmac.New(sha256.New, []byte("opsdeck audit cursor\x00"+l.Schema+"\x00"+l.Table))
	m.Write(b)
	return m.Sum(nil)[:8]
}
