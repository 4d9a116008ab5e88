package rowgzip

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// filed is rows of a table of files, so many bytes.
func filed(r *rand.Rand, n int, write func([]byte) string, content func(*rand.Rand) []byte) []byte {
	var b bytes.Buffer
	b.WriteString("INSERT INTO `files` (`id`,`name`,`data`) VALUES\n")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "(%d,'file %d.pdf',%s),\n", i, r.IntN(1000), write(content(r)))
	}
	return b.Bytes()
}

// documents and the like: what tables keep in BLOB and TEXT.
func documents(r *rand.Rand) []byte {
	var b bytes.Buffer
	for range 20 + r.IntN(60) {
		fmt.Fprintf(
			&b,
			`{"sku":"P%06d","qty":%d,"price":%d.%02d,"note":"客户 %x"},`,
			r.IntN(5000),
			r.IntN(50),
			r.IntN(1000),
			r.IntN(100),
			r.IntN(1<<30),
		)
	}
	return b.Bytes()
}

func records(r *rand.Rand) (b []byte) {
	for range 300 {
		b = binary.LittleEndian.AppendUint32(b, uint32(r.IntN(5000)))
		b = binary.LittleEndian.AppendUint64(b, uint64(1769600000+r.IntN(100000)))
		b = append(b, 0, 0, 1, byte(r.IntN(4)))
	}
	return b
}

func noise(r *rand.Rand) []byte { return random(r, 2000+r.IntN(6000)) }

// vocabulary is made-up words, the first of which are short.
var vocabulary = func() (words []string) {
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 2000 {
		w := make([]byte, 2+r.IntN(3+min(i, 70)/10))
		for j := range w {
			w[j] = "eeetaoinshrdlucmfwypvbgk"[r.IntN(24)]
		}
		words = append(words, string(w)+" ")
	}
	return words
}()

func prose(r *rand.Rand) (b []byte) {
	often := rand.NewZipf(r, 1.2, 6, uint64(len(vocabulary)-1))
	for range 200 {
		b = append(b, vocabulary[often.Uint64()]...)
	}
	return b
}

func characters(r *rand.Rand) (b []byte) {
	often := rand.NewZipf(r, 1.1, 8, 3000)
	for range 300 {
		b = append(b, string(rune(0x4e00+3*int(often.Uint64())))...)
	}
	return b
}

// Whatever stands in a table, a file is no more than 10 % larger than gzip makes it.
func TestNoTextIsMuchLargerThanGzipMakesIt(t *testing.T) {
	hexed := func(b []byte) string { return "0x" + hex.EncodeToString(b) }
	base := func(b []byte) string { return "'" + base64.StdEncoding.EncodeToString(b) + "'" }
	plain := func(b []byte) string { return "'" + string(b) + "'" }
	for name, c := range map[string]struct {
		write   func([]byte) string
		content func(*rand.Rand) []byte
	}{
		"documents in hex": {hexed, documents}, "records in hex": {hexed, records}, "noise in hex": {hexed, noise},
		"prose in hex":        {hexed, prose},
		"documents in base64": {base, documents}, "records in base64": {base, records},
		"noise in base64": {base, noise}, "prose in base64": {base, prose},
		"documents": {plain, documents}, "prose": {plain, prose}, "characters": {plain, characters},
	} {
		text := filed(rand.New(rand.NewPCG(9, 10)), 1<<20, c.write, c.content)
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(text)
		w.Close()
		packed := new(Encoder).Append(nil, text)
		if !bytes.Equal(unpack(t, packed), text) {
			t.Errorf("%s: another text came back", name)
		}
		more := 100 * (float64(len(packed))/float64(b.Len()) - 1)
		t.Logf("%s: %+.1f %%", name, more)
		if more > 10 {
			t.Errorf("%s: %d bytes, gzip has %d", name, len(packed), b.Len())
		}
	}
}

// TestTextThatHardlyChangesIsPackedAtOnce is about text in which every place
// repeats at great length: work that grows with the square of its length would
// not end here before the tests' time is over.
func TestTextThatHardlyChangesIsPackedAtOnce(t *testing.T) {
	const n = 8 << 20
	r := rand.New(rand.NewPCG(7, 11))
	period := random(r, 31)
	for name, text := range map[string][]byte{
		"one letter":     bytes.Repeat([]byte("x"), n),
		"one byte":       make([]byte, n),
		"two letters":    bytes.Repeat([]byte("ab"), n/2),
		"a short period": bytes.Repeat([]byte(hex.EncodeToString(period)), n/62),
		"rare changes": func() []byte {
			text := bytes.Repeat([]byte("x"), n)
			for i := 0; i < n; i += 1000 + r.IntN(9000) {
				text[i] = 'y'
			}
			return text
		}(),
	} {
		var e Encoder
		packed := e.Append(nil, text)
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v", name, err)
		}
		if len(packed) > n/100 {
			t.Errorf("%s: %d bytes of %d", name, len(packed), n)
		}
	}
}
