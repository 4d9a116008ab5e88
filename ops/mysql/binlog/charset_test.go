package binlog

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

func TestTextOfAClientsCharsetBecomesUTF8AndComesBack(t *testing.T) {
	for _, c := range []struct {
		client    uint16
		sent, sql string
	}{
		{28, "'\xd6\xd0\xd5\x5c'", "'中誠'"},
		{28, "'\xd5\x5c', '\xff\xfe'", "'誠', '\U0010ffff\U0010fffe'"},
		{28, "'\xa1\x5c'", "'\U0010ffa1\U0010ff5c'"}, // a pair without a character hides its backslash all the same
		{1, "'\xa5\x5c'", "'功'"},
		{13, "`\x83\x5c\xb1`", "`ソｱ`"},
		{8, "'\xe9\x81\x80'", "'é\U0010ff81€'"},
		{248, "'\x81\x30\x84\x36\x5c'", "'¥\\'"},
		{45, "'é\xff'", "'é\xff'"},
	} {
		q := &Query{Client: c.client, SQL: []byte(c.sent)}
		q.decode()
		back, ok := q.ForClient(string(q.SQL))
		if string(q.SQL) != c.sql || back != c.sent || !ok {
			t.Errorf("%x of charset %d: %q, and back %x, %v; want %q", c.sent, c.client, q.SQL, back, ok, c.sql)
		}
	}
	latin1 := &Query{Client: 8, SQL: []byte("\xe9")}
	latin1.decode()
	if sent, ok := latin1.ForClient("中"); ok {
		t.Errorf("latin1 holds 中 as %x", sent)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for client := range charsets {
		for range 2000 {
			sent := make([]byte, r.IntN(12))
			for i := range sent {
				sent[i] = byte(r.Uint32())
			}
			q := &Query{Client: client, SQL: append([]byte(nil), sent...)}
			q.decode()
			if back, ok := q.ForClient(string(q.SQL)); back != string(sent) || !ok || !utf8.Valid(q.SQL) {
				t.Fatalf("%x of charset %d: %q, and back %x, %v", sent, client, q.SQL, back, ok)
			}
		}
	}
}
