package unpack

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func TestEachGivesEveryTextOfAStream(t *testing.T) {
	long := strings.Repeat("b line\n", 50_000)
	for name, c := range map[string]struct {
		file []byte
		want []string
	}{
		"plain": {[]byte("a\n"), []string{"a\n"}}, "nothing": {nil, []string{""}},
		"gzip":       {gz(t, "a"), []string{"a"}},
		"zip":        {zipped(t, "a\n", long, "c"), []string{"a\n", long, "c"}},
		"tgz":        {gz(t, tarred(t, "a\n", long, "c")), []string{"a\n", long, "c"}},
		"zip of tgz": {zipped(t, string(gz(t, tarred(t, "a", string(gz(t, long))))), "c"), []string{"a", long, "c"}},
	} {
		texts := func(file []byte) (got []string, err error) {
			err = Each(bytes.NewReader(file), func(_ string, in *bufio.Reader) error {
				text, err := io.ReadAll(in)
				got = append(got, string(text))
				return err
			})
			return got, err
		}
		got, err := texts(c.file)
		if err != nil || strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %d texts, %v", name, len(got), err)
		}
		if name == "plain" || name == "nothing" {
			continue
		}
		for _, cut := range []int{len(c.file) / 3, len(c.file) / 2} {
			if got, err := texts(c.file[:cut]); err == nil && len(got) == len(c.want) {
				t.Errorf("%s cut at %d is taken for whole", name, cut)
			}
		}
	}
	err := Each(strings.NewReader("Rar!\x1a\x07\x00 ..."), nil)
	if err == nil || !strings.Contains(err.Error(), "RAR") {
		t.Errorf("a RAR: %v", err)
	}
}

// chunks gives one piece of a stream a read, as a pipe does.
type chunks struct {
	pieces [][]byte
	read   int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.read == len(c.pieces) {
		return 0, io.EOF
	}
	c.read++
	return copy(p, c.pieces[c.read-1]), nil
}

// TestEachWaitsForNothing: a line is handed over before the stream is asked for the next.
func TestEachWaitsForNothing(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	r := &chunks{}
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		io.WriteString(z, line)
		z.Flush()
		r.pieces = append(r.pieces, bytes.Clone(b.Bytes()))
		b.Reset()
	}
	n := 0
	err := Each(r, func(_ string, in *bufio.Reader) error {
		for {
			if _, err := in.ReadString('\n'); err != nil {
				return err
			}
			if n++; r.read > n {
				t.Errorf("line %d came after %d pieces", n, r.read)
			}
		}
	})
	if n != 3 {
		t.Errorf("%d lines, %v", n, err)
	}
}
