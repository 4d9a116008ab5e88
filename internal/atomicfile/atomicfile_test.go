package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteIsWholeOrAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	boom := errors.New("boom")
	err := Write(path, 0o600, func(w io.Writer) error {
		io.WriteString(w, "half")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("err = %v", err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	if err := WriteBytes(path, 0o600, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(got) != "whole" || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %q mode %v", got, info.Mode())
	}
}

func TestCommitNewNeverReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	os.WriteFile(path, []byte("first"), 0o600)
	f, err := Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("second")
	if err := f.CommitNew(); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("err = %v, want exists", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "first" {
		t.Fatalf("got %q", got)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}
