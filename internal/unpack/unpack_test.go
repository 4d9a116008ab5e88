package unpack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

var text = strings.Repeat("INSERT INTO t VALUES (1,'张三'),(2,'😀');\n", 5000)

func packed(t *testing.T, open func(w io.Writer) (io.WriteCloser, error), text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t *testing.T, text string) []byte {
	return packed(t, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, text)
}

func lz(t *testing.T, text string) []byte {
	return packed(t, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }, text)
}

func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create("d/"); err != nil {
		t.Fatal(err)
	}
	for i, text := range files {
		w, err := z.Create(string(rune('a'+i)) + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o700})
	for _, text := range files {
		w.WriteHeader(&tar.Header{Name: "d/a.sql", Size: int64(len(text)), Mode: 0o600})
		io.WriteString(w, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func inUTF16(text string, big bool) []byte {
	out := []byte{}
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		a, b := byte(u), byte(u>>8)
		if big {
			a, b = b, a
		}
		out = append(out, a, b)
	}
	return out
}

func TestEveryFormatIsReadWholeOrNotAtAll(t *testing.T) {
	half := len(text) / 2
	for name, file := range map[string][]byte{
		"plain": []byte(text), "bom": []byte("\ufeff" + text), "utf16le": inUTF16(text, false),
		"utf16be": inUTF16(text, true),
		"gzip":    gz(t, text), "gzips": append(gz(t, text[:half]), gz(t, text[half:])...),
		"lz4": lz(t, text), "lz4s": append(lz(t, text[:half]), lz(t, text[half:])...),
		"xz":   packed(t, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }, text),
		"lzma": packed(t, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) }, text),
		"zstd": packed(t, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, text),
		"zip":  zipped(t, text), "tar": []byte(tarred(t, text)), "tgz": gz(t, tarred(t, text)),
		"zip of gz of utf16": zipped(t, string(gz(t, string(inUTF16(text, false))))),
	} {
		read := func(file []byte) (string, error) {
			r, err := Reader(bytes.NewReader(file))
			if err != nil {
				return "", err
			}
			defer r.Close()
			out, err := io.ReadAll(r)
			return string(out), err
		}
		if got, err := read(file); err != nil || got != text {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(text), err)
		}
		if name == "plain" || name == "bom" || name == "gzips" || name == "lz4s" {
			continue
		}
		for _, keep := range []int{1, len(file) / 3, len(file) - len(file)/4, len(file) - 9} {
			if name == "tar" && keep > len(file)-1100 || strings.HasPrefix(name, "utf16") {
				continue
			}
			if got, err := read(file[:keep]); err == nil && got == text[:min(len(got), len(text))] && len(got) > 1 {
				t.Errorf("%s cut at %d of %d is taken for whole: %d bytes", name, keep, len(file), len(got))
			}
		}
	}
}

func TestWhatIsNotReadIsNamed(t *testing.T) {
	if path, err := exec.LookPath("xz"); err == nil {
		for form, times := range map[string]int{"xz": 2, "lzma": 1} {
			c := exec.Command(path, "-c", "-9e", "--check=sha256", "--format="+form)
			c.Stdin = strings.NewReader(text)
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			r, err := Reader(bytes.NewReader(bytes.Repeat(out, times)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != strings.Repeat(text, times) {
				t.Errorf("the program's own %s: %d bytes, %v", form, len(got), err)
			}
		}
	}
	for mark, want := range map[string]string{"7z\xbc\xaf\x27\x1c": "7z", "PGDMP": "PostgreSQL", "XBSTCK01": "xbstream",
		"\xff\x06\x00\x00sNaPpY": "snappy", "\x89LZO\x00\r\n\x1a\n": "lzop", "age-encryption.org/v1": "age",
		"<?xml version": "--xml"} {
		var named *FormatError
		if _, err := Reader(strings.NewReader(mark + " ...")); !errors.As(err, &named) ||
			!strings.Contains(named.Format, want) {
			t.Errorf("%q: %v", mark, err)
		}
	}
	for want, file := range map[string]string{
		"UTF-16 (little-endian) without": string(inUTF16(text, false)[2:]),
		"UTF-16 (big-endian) without":    string(inUTF16(text, true)[2:]),
		"UTF-32":                         "\xff\xfe\x00\x00-\x00\x00\x00-\x00\x00\x00",
		"UTF-32 without":                 "\x00\x00\x00-\x00\x00\x00-\x00\x00\x00 ",
	} {
		var named *FormatError
		if _, err := Reader(strings.NewReader(file)); !errors.As(err, &named) || !strings.Contains(named.Format, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for name, file := range map[string][]byte{"zip": zipped(t, "a", "b"), "tar": []byte(tarred(t, "a", "b"))} {
		r, err := Reader(bytes.NewReader(file))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, ErrSeveral) {
			t.Errorf("%s of two files: %v", name, err)
		}
	}
	if r, err := Reader(bytes.NewReader([]byte{0xff, 0xfe, 0x00, 0xd8, 'a', 0})); err == nil {
		if _, err = io.ReadAll(r); err == nil {
			t.Error("half a character of UTF-16 is taken")
		}
	}
}
