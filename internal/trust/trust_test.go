package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "opsdeck/internal/testenv"
)

func TestWhatOthersMayChangeIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sub", "file")
	for _, c := range []struct {
		name string
		do   func() error
		fix  string // "" where it is trusted
	}{
		{"as made", func() error { return nil }, ""},
		{"everybody writes the file", func() error { return os.Chmod(file, 0o666) }, "chmod go-w " + file},
		{"its group writes the file", func() error { return errors.Join(os.Chown(file, -1, 1), os.Chmod(file, 0o664)) }, "chmod go-w " + file},
		{"everybody writes the folder", func() error { return os.Chmod(filepath.Dir(file), 0o777) }, "chmod go-w " + filepath.Dir(file)},
		{"a folder like /tmp", func() error { return os.Chmod(filepath.Dir(file), 0o777|os.ModeSticky) }, ""},
		{"a folder further up", func() error { return os.Chmod(dir, 0o777) }, "chmod go-w " + dir},
		{"another's", func() error { return os.Chown(file, 65534, 0) }, "chown 0 " + file},
		{"another's folder", func() error { return os.Chown(filepath.Dir(file), 65534, 0) }, "chown 0 " +
			filepath.Dir(file)},
	} {
		os.RemoveAll(filepath.Dir(file))
		os.Mkdir(filepath.Dir(file), 0o700)
		os.Chmod(dir, 0o700)
		os.WriteFile(file, nil, 0o600)
		if err := c.do(); err != nil {
			t.Skipf("%s: %v", c.name, err) // needs root
		}
		err := Path(file)
		var e *Error
		switch {
		case c.fix == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.fix != "" && (!errors.As(err, &e) || e.Fix != c.fix):
			t.Errorf("%s: %v, want the advice %q", c.name, err, c.fix)
		}
	}
}

func TestWhatIsWrittenToIsAFileOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	os.WriteFile(victim, []byte("precious"), 0o600)
	for name, put := range map[string]func(path string) error{
		"link":      func(path string) error { return os.Symlink(victim, path) },
		"hard link": func(path string) error { return os.Link(victim, path) },
		"fifo":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, os.O_RDWR|os.O_CREATE, 0o600)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Fix != "rm "+path {
			t.Errorf("%s: %v", name, err)
		}
		os.Remove(path)
	}
	if text, _ := os.ReadFile(victim); string(text) != "precious" {
		t.Errorf("the victim is %q", text)
	}
}
