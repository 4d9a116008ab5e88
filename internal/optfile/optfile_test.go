package optfile

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/trust"
)

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFollowsTheManual(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "conf.d", "b.cnf"), "[client]\nport=3308\n", 0o600)
	write(t, filepath.Join(dir, "conf.d", "a.cnf"), "[client]\nport=3307\nuser=a\n", 0o600)
	write(t, filepath.Join(dir, "conf.d", "skip.txt"), "[client]\nport=1\n", 0o600)
	path := write(t, filepath.Join(dir, "my.cnf"), `# comment
; another
[mysqld]
port = 9
[client]
 user = root   # who
password="p#a ss\"w\s"
default_character-set = utf8mb4
loose-ssl-mode=REQUIRED
compress
host = 'db one'
!includedir conf.d
`, 0o600)
	got, err := Read(path, "client")
	want := options{
		"user":                  "a",
		"password":              `p#a ss"w `,
		"default-character-set": "utf8mb4",
		"ssl-mode":              "REQUIRED",
		"compress":              "",
		"host":                  "db one",
		"port":                  "3308",
	}
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %v, %v\nwant %v", got, err, want)
	}
}

func TestAFileThatEveryUserCanWriteIsRefused(t *testing.T) {
	dir := t.TempDir()
	open := write(t, filepath.Join(dir, "open.cnf"), "[client]\nhost=db\n", 0o600)
	including := write(t, filepath.Join(dir, "my.cnf"), "!include open.cnf\n", 0o600)
	if err := os.Chmod(open, 0o646); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, including} {
		var untrusted *trust.Error
		if _, err := Read(path, "client"); !errors.As(err, &untrusted) || untrusted.Path != open {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPasswordThatOthersCanReadIsRefused(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "my.cnf"), "[client]\npassword=x\n", 0o644)
	var insecure *InsecureError
	if _, err := Read(path, "client"); !errors.As(err, &insecure) {
		t.Fatalf("err = %v", err)
	}
	if _, err := Read(path, "mysqldump"); err != nil {
		t.Fatalf("a group without a password: %v", err)
	}
}

func TestBadFilesSayWhere(t *testing.T) {
	for text, want := range map[string]string{"user=x\n": ":1: ", "[client\n": "closing ]",
		"[client]\n!includ x\n": ":2: ", "[client]\n!include self.cnf\n": "nest too deep"} {
		path := write(t, filepath.Join(t.TempDir(), "self.cnf"), text, 0o600)
		if _, err := Read(path, "client"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: err = %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[client]\nuser='a\\'\npassword=\"#\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "!include") {
			return
		}
		path := write(t, filepath.Join(t.TempDir(), "f.cnf"), text, 0o600)
		opts, err := Read(path, "client")
		if err == nil {
			for name := range opts {
				if strings.Contains(name, "_") {
					t.Fatalf("name %q", name)
				}
			}
		}
	})
}

// Read is Settings by name: the last one of a name counts.
func Read(path string, groups ...string) (options, error) {
	list, err := Settings(path, groups...)
	out := options{}
	for _, s := range list {
		out[s.Name] = s.Value
	}
	return out, err
}
