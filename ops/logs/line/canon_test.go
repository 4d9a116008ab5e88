package line

import (
	"bytes"
	"testing"
)

func TestShapesTakeOutWhatVaries(t *testing.T) {
	for _, c := range [][2]string{
		{"Order 54938 created", "Order \x01\x01\x01\x01\x01 created"},
		{`{"timestamp":"2026-01-01T00:00:00.166Z","a":1}`, "{\"timestamp\":\"\x02\",\"a\":\x01}"},
		{"[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [A] x took 103ms", "[Nest] \x01\x01\x01\x01\x01  - \x02   " +
			"  LOG [A] x took \x01ms"},
		{"id 3f2a9c1b-1234-4abc-9def-0123456789ab end", "id \x03 end"},
		{"key 5f3a99b2c1 end", "key \x03 end"},
		{"key fbadcafe1ab end, 1ABCDEFF", "key \x03 end, \x03"},
		{"key 1abcDEFF, fbadcaf1, faded1", "key \x01abcDEFF, \x03, faded\x01"},
		{"mysql2 v1 pool.js:394:13", "mysql\x01 v\x01 pool.js:\x01:\x01"},
		{`{"level":30,"time":1532081790743}`, "{\"level\":30,\"time\":\x01}"},
		{"2026-01-2", "\x01\x01\x01\x01-\x01\x01-\x01"},
		{"客户 82239 信用", "客户 \x01\x01\x01\x01\x01 信用"},
	} {
		if got := string(shapeText(nil, []byte(c[0]))); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

func FuzzShapeHashAgreesWithText(f *testing.F) {
	f.Add([]byte("Order 54938 created"), []byte("Order 1 created"))
	f.Add([]byte("abcdefg1 x"), []byte("abcdefgh x"))
	f.Add([]byte("d842222222crer3 5 9e84crea"), []byte("d84crer3 5 9e84crea")) // the 5 is in one's head
	f.Fuzz(func(t *testing.T, a, b []byte) {
		ha, _ := ShapeHash(a, 7, new(Stamp))
		hb, _ := ShapeHash(b, 7, new(Stamp))
		same := bytes.Equal(shapeText(nil, a), shapeText(nil, b)) && headRuns(a) == headRuns(b)
		marks := bytes.ContainsAny(a, "\x01\x02\x03") || bytes.ContainsAny(b, "\x01\x02\x03")
		if !marks && same != (ha == hb) {
			t.Fatalf("%q %q: same shape %v, same hash %v", a, b, same, ha == hb)
		}
	})
}

// headRuns is how many runs of digits begin in the head of a line, where a short time may be.
func headRuns(line []byte) (n int) {
	start := 0
	for i := nextDigit(line, 0); i < len(line); i = nextDigit(line, i) {
		from, to, kind := slot(line, start, i, new(Stamp))
		if kind == SlotDigits && from < headBytes {
			n++
		}
		if i = to; kind != 0 {
			start = to
		}
	}
	return n
}

func BenchmarkShapeHash(b *testing.B) {
	line := []byte(
		`{"timestamp": "2026-01-01T00:00:00.166Z", "level": "INFO", "context": "CommissionService", "message": "Failed to create order for customer 51751", "metadata": {"userId": 51, "orderId": 51751}}`,
	)
	b.SetBytes(int64(len(line)))
	var at Stamp
	for b.Loop() {
		ShapeHash(line, 7, &at)
	}
}

func BenchmarkShapeHashNest(b *testing.B) {
	line := []byte(
		`[Nest] 12345  - 01/01/2026, 12:00:00 AM     LOG [ExceptionsHandler] Order created successfully: 56839`,
	)
	b.SetBytes(int64(len(line)))
	var at Stamp
	for b.Loop() {
		ShapeHash(line, 7, &at)
	}
}
