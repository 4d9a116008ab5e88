package rowgzip

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	other "github.com/klauspost/compress/gzip"
)

// unpack reads a member by the standard library, which must find nothing behind it.
func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	in := bytes.NewReader(packed)
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Fatalf("%d bytes behind the member", in.Len())
	}
	return text
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// rows are those of an audit table, so many.
func rows(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	b.WriteString("INSERT INTO `audit_logs` (`id`,`user_id`,`action`,`new_value`,`path`,`note`,`created_at`) VALUES\n")
	for i := range n {
		fmt.Fprintf(
			&b,
			"(%d,%d,'%s','{\"status\": \"NEW\", \"n\": %d, \"note\": \"%x\"}','/api/orders/%d','客户%d有限公司 "+
				"it\\'s',%d.%02d,'2025-08-01 00:%02d:%02d.000000'),\n",
			i,
			r.IntN(100),
			[]string{"CREATE", "UPDATE", "APPROVE"}[r.IntN(3)],
			i,
			random(r, 20),
			i,
			r.IntN(5000),
			r.IntN(1e5),
			r.IntN(100),
			i/60%60,
			i%60,
		)
	}
	return b.Bytes()
}

// fibonacci is text whose bytes are so uneven that their Huffman tree is as deep
// as they are many.
func fibonacci(r *rand.Rand) []byte {
	var b []byte
	for i, n, m := 0, 1, 1; i < 22; i, n, m = i+1, m, n+m {
		b = append(b, bytes.Repeat([]byte{byte('A' + i)}, n)...)
	}
	r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	return b
}

func kinds() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := random(r, 300<<10)
	return map[string][]byte{
		"nothing": {}, "a byte": {0}, "short": []byte("(1,'a'),"), "two of one": []byte("aaaaaaaaaaaaaaaaaaaa"),
		"zeros": make([]byte, 1<<20), "noise": noise, "noise of 65535": noise[:65535], "noise of 65536": noise[:65536],
		"twice the noise": bytes.Repeat(noise[:20000], 3), "noise beyond the window": bytes.Repeat(noise[:40000], 2),
		"hex": []byte(
			hex.EncodeToString(noise),
		), "rows": rows(r, 2000), "rows and noise": append(append(rows(r, 3000), noise...), rows(r, 10)...),
		"uneven": fibonacci(
			r,
		), "all bytes": bytes.Repeat(noise[:256], 500), "characters": []byte(strings.Repeat("千张销售管理系统😀", 9000)),
		"block": rows(r, 9000)[:blockBytes], "a block and a byte": rows(r, 9000)[:blockBytes+1],
		"no margin": rows(r, 9000)[:blockBytes+margin],
	}
}

func TestEveryKindOfTextComesBack(t *testing.T) {
	var e Encoder // one for all: none leaves a trace
	for name, text := range kinds() {
		packed := e.Append([]byte("before"), text)
		if string(packed[:6]) != "before" || !bytes.Equal(unpack(t, packed[6:]), text) {
			t.Errorf("%s: another text came back", name)
		}
		if most := len(text) + len(text)/65535*5 + 64; len(packed) > most {
			t.Errorf("%s: %d bytes became %d", name, len(text), len(packed))
		}
		if again := new(Encoder).Append([]byte("before"), text); !bytes.Equal(again, packed) {
			t.Errorf("%s: a new encoder writes another member", name)
		}
		r, err := other.NewReader(bytes.NewReader(packed[6:]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: klauspost's reader: %v", name, err)
		}
	}
}

// The parts of a text that is longer than the table's reach do not refer to each
// other, and are one member all the same.
func TestTextBeyondTheReachIsOneMember(t *testing.T) {
	defer func(was int) { reach = was }(reach)
	text := rows(rand.New(rand.NewPCG(3, 4)), 2000)
	for _, reach = range []int{len(text), len(text) - 1, 100 << 10, 1000, 7} {
		if !bytes.Equal(
			unpack(t, new(Encoder).Append(nil, text[:min(len(text), 500*reach)])),
			text[:min(len(text), 500*reach)],
		) {
			t.Errorf("another text comes back with a reach of %d", reach)
		}
	}
}

func TestTheSystemsGunzipReadsIt(t *testing.T) {
	text := rows(rand.New(rand.NewPCG(5, 6)), 8000)
	var e Encoder
	members := e.Append(e.Append(e.Append(nil, text[:1<<20]), nil), text[1<<20:])
	cmd := exec.Command("gzip", "-dc")
	cmd.Stdin = bytes.NewReader(members)
	got, err := cmd.Output()
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%v, %d bytes of %d", err, len(got), len(text))
	}
}

// Rows become no more than 5 % larger than gzip makes them, by its own default.
func TestRowsAreAsSmallAsGzipMakesThem(t *testing.T) {
	text := rows(rand.New(rand.NewPCG(7, 8)), 8000)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	if n := len(new(Encoder).Append(nil, text)); n > b.Len()+b.Len()/20 {
		t.Errorf("%d bytes, gzip has %d", n, b.Len())
	}
}

// FuzzAppend repeats and mixes what it is given, so that matches of all lengths
// and distances come about.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("(1,'a'),\n(2,'b'),"), uint16(40), uint64(1))
	f.Add([]byte{0, 255, 1}, uint16(3000), uint64(2))
	var e Encoder
	f.Fuzz(func(t *testing.T, seed []byte, pieces uint16, order uint64) {
		r := rand.New(rand.NewPCG(order, 9))
		text := bytes.Clone(seed)
		for range pieces % 4000 {
			if len(text) == 0 || len(text) > 1<<20 {
				break
			}
			from := r.IntN(len(text))
			text = append(text, text[from:min(len(text), from+1+r.IntN(1<<r.IntN(12)))]...)
			if r.IntN(3) == 0 {
				text = append(text, random(r, r.IntN(12))...)
			}
		}
		if !bytes.Equal(unpack(t, e.Append(nil, text)), text) {
			t.Fatal("another text came back")
		}
	})
}

func BenchmarkRows(b *testing.B) {
	text := rows(rand.New(rand.NewPCG(1, 1)), 20000)
	b.Run("ours", func(b *testing.B) {
		var e Encoder
		var out []byte
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out = e.Append(out[:0], text)
		}
		b.ReportMetric(float64(len(text))/float64(len(out)), "ratio")
	})
	b.Run("klauspost", func(b *testing.B) {
		var out bytes.Buffer
		w, _ := other.NewWriterLevel(&out, 1)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out.Reset()
			w.Reset(&out)
			w.Write(text)
			w.Close()
		}
		b.ReportMetric(float64(len(text))/float64(out.Len()), "ratio")
	})
}
