package regular

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOnlyFilesAreOpened: a pipe that nobody writes to, a socket, a device and a folder are
// refused and not waited for, also through a link.
func TestOnlyFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	l, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(unix.Mkfifo(at("pipe"), 0o600), os.WriteFile(at("file"), []byte("text"), 0o600),
		os.Symlink(at("pipe"), at("link")), os.Symlink(at("file"), at("good"))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{at("pipe"), at("socket"), at("link"), dir, "/dev/zero"} {
		if f, err := Open(path); !IsOther(err) {
			t.Errorf("%s: %v %v", path, f, err)
		}
	}
	for _, path := range []string{at("file"), at("good")} {
		if text, err := ReadFile(path); err != nil || string(text) != "text" {
			t.Errorf("%s: %q %v", path, text, err)
		}
	}
	if _, err := ReadFile(at("none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}
