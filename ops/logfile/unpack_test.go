package logfile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/ops/logs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

const packedLines = "2026-01-29T12:00:00Z INFO one\n2026-01-29T12:00:01Z ERROR two 库存\n"

// bzip2Lines are those lines compressed with bzip2 1.0.8.
const bzip2Lines = "QlpoOTFBWSZTWa6QhvEAAA3fuQAQQAJxMAMhlBACAYSACEAAAgAQAgAgAFRQAAAaMglFDQNPSG9UAd1qbb8aEyjTHghhDwOSLyQ1pROlFHSM8t4CRgESMTPi7kinChIV0hDeIA=="

func pack(t *testing.T, open func(io.Writer) (io.WriteCloser, error), text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t *testing.T, text string) []byte {
	return pack(t, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, text)
}

func archives(t *testing.T, members int) (tarred, zipped string) {
	t.Helper()
	var a, b bytes.Buffer
	tw, zw := tar.NewWriter(&a), zip.NewWriter(&b)
	for i := range members {
		name := string(rune('a'+i)) + ".log"
		tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(packedLines)), Format: tar.FormatUSTAR})
		io.WriteString(tw, packedLines)
		w, _ := zw.Create(name)
		io.WriteString(w, packedLines)
	}
	tw.Close()
	zw.Close()
	return a.String(), b.String()
}

// openAll opens a file and returns its text and the error.
func openAll(t *testing.T, path string) (string, error) {
	t.Helper()
	text, err := NewFile(path).Open(t.Context())
	if text == nil {
		return "", err
	}
	defer text.Close()
	return wholeText(t, text), err
}

func wholeText(t *testing.T, text logs.Text) string {
	t.Helper()
	all, err := io.ReadAll(io.NewSectionReader(text, 0, text.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestEveryWayOfPackingIsReadWhateverItsName(t *testing.T) {
	bz, err := base64.StdEncoding.DecodeString(bzip2Lines)
	if err != nil {
		t.Fatal(err)
	}
	tarred, zipped := archives(t, 1)
	forms := map[string][]byte{
		"app.log.2.bz2": bz,
		"app.log.3.xz":  pack(t, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }, packedLines),
		"packed.lzma":   pack(t, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) }, packedLines),
		"app.log.4.lz4": pack(t, func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil },
			packedLines),
		"app.log.5.zst": pack(t, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, packedLines),
		"app.log.6.gz":  gzipped(t, packedLines),
		"a.tar.gz":      gzipped(t, tarred),
		"a.tar":         []byte(tarred),
		"a.zip":         []byte(zipped),
	}
	dir := t.TempDir()
	for name, data := range forms {
		for _, path := range []string{filepath.Join(dir, name),
			filepath.Join(dir, "named-otherwise-"+name[:3]+name[len(name)-2:])} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := openAll(t, path); err != nil || got != packedLines {
				t.Errorf("%s: %q, %v", path, got, err)
			}
		}
	}
	files, err := expand(filepath.Join(dir, "app.log*"))
	if err != nil {
		t.Fatal(err)
	}
	sources := Group(append(files, filepath.Join(dir, "app.log")))
	if len(sources) != 1 || len(sources[0].Parts) != 6 || !strings.HasSuffix(sources[0].Parts[0].Name(), ".6.gz") {
		t.Errorf("%d sources: %+v", len(sources), sources)
	}
}

func TestWhatIsNoTextIsNamedAndNotShown(t *testing.T) {
	tarred, zipped := archives(t, 2)
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(i * 7 % 31)
	}
	random := make([]byte, 20_000)
	rand.NewChaCha8([32]byte{}).Read(random)
	// A statement with the bytes of a BLOB, as in MySQL's general log.
	blob := "2026-01-29T12:00:00.000000Z\t 10 Query\tINSERT INTO t VALUES ('" + strings.Repeat("x", 500) +
		string(random[:3000]) + "')\n"
	latin := strings.Repeat("2026-01-29T12:00:00Z INFO caf\xe9 \xe0 la carte \x01\n", 50)
	for name, c := range map[string]struct {
		data []byte
		want string // of the sentence
		text string
	}{
		"random.log":  {random, "no text", ""},
		"short.gpg":   {random[:600], "no text", ""},
		"random.gz":   {gzipped(t, string(random)), "no text", ""},
		"hole.log":    {append(make([]byte, 20_000), random...), "no text", ""},
		"a.log.sz":    {[]byte("\xff\x06\x00\x00sNaPpY\x01\x02"), "snappy", ""},
		"a.log.lzo":   {[]byte("\x89LZO\x00\r\n\x1a\n\x10\x40"), "lzop", ""},
		"a.log.age":   {[]byte("age-encryption.org/v1\n-> X25519 bm90aGluZw\n"), "encrypted by age", ""},
		"latin.log":   {[]byte(latin), "", latin},
		"general.log": {[]byte(blob), "", blob},
		"a.7z":        {[]byte("7z\xbc\xaf\x27\x1c and so on"), "a 7z archive", ""},
		"a.rar":       {[]byte("Rar!\x1a\x07\x01"), "a RAR archive", ""},
		"a.log.Z":     {[]byte("\x1f\x9d\x90\x61"), "compress (.Z)", ""},
		"state.db":    {[]byte("SQLite format 3\x00 "), "SQLite", ""},
		"program":     {append([]byte("\x7fELF\x02"), noise...), "no text", ""},
		"several.tar": {[]byte(tarred), "several files", packedLines},
		"several.zip": {[]byte(zipped), "several files", packedLines},
		"zeros.log":   {append(make([]byte, 300), packedLines...), "", packedLines},
		"xml.log":     {[]byte("<?xml version=\"1.0\"?>\n"), "", "<?xml version=\"1.0\"?>\n"},
		"esc.log":     {[]byte(strings.Repeat("\x1b[31mred\x1b[0m\n", 50)), "", strings.Repeat("\x1b[31mred\x1b[0m\n", 50)},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := openAll(t, path)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != c.text || !strings.Contains(said, c.want) || (err == nil) != (c.want == "") {
			t.Errorf("%s: %.80q, %v, want %q and %.80q", name, got, err, c.want, c.text)
		}
	}
}
