package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type note struct {
	Seq  int    `json:"seq"`
	Text string `json:"text"`
}

func (n *note) Number() *int { return &n.Seq }

type notes = File[note, *note]

func open(t *testing.T, path string) *notes {
	t.Helper()
	j, err := Open[note](path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// written is a journal of some texts, and its bytes.
func written(t *testing.T, texts ...string) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal.jsonl")
	j := open(t, path)
	for _, text := range texts {
		if err := j.Append(note{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}

func texts(lines []note) string {
	var out []string
	for i, l := range lines {
		if l.Seq != i+1 {
			return "numbered wrongly"
		}
		out = append(out, l.Text)
	}
	return strings.Join(out, "|")
}

// TestTheFormatIsTheOneOfOldJournals: the bytes of a line are a contract.
func TestTheFormatIsTheOneOfOldJournals(t *testing.T) {
	_, data := written(t, "stop", "<千章>\n")
	want := `{"seq":1,"text":"stop","crc32c":"6b91361a"}` + "\n" +
		`{"seq":2,"text":"\u003c千章\u003e\n","crc32c":"f70923bf"}` + "\n"
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}

// TestACutAtAnyByteCostsTheLastLineAlone, and what is appended then follows the good ones.
func TestACutAtAnyByteCostsTheLastLineAlone(t *testing.T) {
	_, data := written(t, "a", "b", "c")
	ends := []int{0}
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	all := []string{"", "a", "a|b", "a|b|c"}
	for cut := range len(data) + 1 {
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= cut {
			whole++
		}
		for name, tail := range map[string]string{"cut": "", "zeros": "\x00\x00\x00", "zero lines": "\x00\n\x00\n"} {
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			if err := os.WriteFile(path, append(bytes.Clone(data[:cut]), tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			read, err := Read[note](path)
			if err != nil || texts(read) != all[whole] {
				t.Fatalf("%s at byte %d: read %q, %v", name, cut, texts(read), err)
			}
			if name != "cut" {
				continue
			}
			j := open(t, path)
			if err := j.Append(note{Text: "d"}); err != nil {
				t.Fatal(err)
			}
			read, err = Read[note](path)
			if want := strings.TrimPrefix(all[whole]+"|d", "|"); err != nil || texts(read) != want {
				t.Fatalf("%s at byte %d: then %q, %v, want %q", name, cut, texts(read), err, want)
			}
		}
	}
}

// TestDamageBeforeTheEndIsRefused, whichever byte it is in, and the file stays as it is.
func TestDamageBeforeTheEndIsRefused(t *testing.T) {
	path, data := written(t, "a", "b", "c")
	for at := range bytes.IndexByte(data, '\n') + 1 {
		bad := bytes.Clone(data)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if lines, err := Read[note](path); err == nil {
			t.Errorf("byte %d: read as %q", at, texts(lines))
		}
		if j, err := Open[note](path); err == nil {
			j.Close()
			t.Errorf("byte %d: opened", at)
		}
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, bad) {
			t.Errorf("byte %d: the file was changed, %v", at, err)
		}
	}
}

// TestALostOrDoubledLineIsRefused although each line is sound by itself.
func TestALostOrDoubledLineIsRefused(t *testing.T) {
	path, data := written(t, "a", "b", "c", "d")
	l := bytes.SplitAfter(data, []byte("\n"))
	for name, lines := range map[string][][]byte{"lost": {l[0], l[2], l[3]}, "doubled": {l[0], l[1], l[1], l[2], l[3]},
		"the first lost": {l[1], l[2]}} {
		if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read[note](path); err == nil {
			t.Errorf("%s: read as %q", name, texts(got))
		}
	}
}

func TestAJournalThatIsNotThereIsEmpty(t *testing.T) {
	lines, err := Read[note](filepath.Join(t.TempDir(), "none"))
	if err != nil || len(lines) > 0 {
		t.Errorf("%v, %v", lines, err)
	}
	if _, err := Read[note](t.TempDir()); err == nil {
		t.Error("a folder was read as a journal")
	}
}

// failing is a disk on which one write or sync fails, and truncation too if told so.
type failing struct {
	disk
	write, sync, truncate error
}

func (f *failing) Write(p []byte) (int, error) {
	if err := f.write; err != nil {
		f.write = nil
		n, _ := f.disk.Write(p[:len(p)/2])
		return n, err
	}
	return f.disk.Write(p)
}

func (f *failing) Sync() error {
	if err := f.sync; err != nil {
		f.sync = nil
		return err
	}
	return f.disk.Sync()
}

func (f *failing) Truncate(size int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.disk.Truncate(size)
}

// TestAFullDiskCostsOneLine: half a line is cut off again, and the next is good.
func TestAFullDiskCostsOneLine(t *testing.T) {
	path, _ := written(t, "a")
	j := open(t, path)
	j.f = &failing{disk: j.f, write: syscall.ENOSPC}
	if err := j.Append(note{Text: "b"}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a full disk: %v", err)
	}
	if err := j.Append(note{Text: "c"}); err != nil {
		t.Fatal(err)
	}
	if lines, err := Read[note](path); err != nil || texts(lines) != "a|c" || texts(j.Lines()) != "a|c" {
		t.Errorf("%q, %v", texts(lines), err)
	}
}

// TestNothingIsAppendedToWhatMayBeLost: a sync that fails may have lost pages that a later
// one says are safe, and half a line that cannot be cut off would be damage before the end.
func TestNothingIsAppendedToWhatMayBeLost(t *testing.T) {
	for name, f := range map[string]failing{"sync": {sync: syscall.EIO},
		"cut": {write: syscall.ENOSPC, truncate: syscall.EIO}} {
		path, _ := written(t, "a")
		j := open(t, path)
		f.disk = j.f
		j.f = &f
		if err := j.Append(note{Text: "b"}); err == nil {
			t.Fatalf("%s: appended", name)
		}
		if err := j.Append(note{Text: "c"}); err == nil {
			t.Errorf("%s: appended after an error", name)
		}
		j.Close()
		again := open(t, path)
		if err := again.Append(note{Text: "d"}); err != nil || texts(again.Lines()) != "a|d" {
			t.Errorf("%s: opened again: %q, %v", name, texts(again.Lines()), err)
		}
	}
}

// TestAfterTellsOfDurableLinesOnly, for it is where tests kill.
func TestAfterTellsOfDurableLinesOnly(t *testing.T) {
	path, _ := written(t)
	j := open(t, path)
	told := 0
	j.After = func(n int) {
		told = n
		if lines, _ := Read[note](path); len(lines) != n {
			t.Errorf("told of %d lines, %d are there", n, len(lines))
		}
	}
	j.Append(note{Text: "a"})
	j.f = &failing{disk: j.f, write: syscall.ENOSPC}
	j.Append(note{Text: "b"})
	if told != 1 {
		t.Errorf("told %d", told)
	}
}
