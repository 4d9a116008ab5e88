package site

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
)

// TestTheClientIsOneThatIsThere: the machine's own, by the name that it has; else that of
// the container, whose password is on no command line.
func TestTheClientIsOneThatIsThere(t *testing.T) {
	d := config.Database{Container: "qianzhang-mysql", OptionsFile: "/etc/my files/c.cnf", Port: 3306}
	for _, c := range []struct{ has, want string }{
		{"mysql mariadb", "mysql --defaults-file='/etc/my files/c.cnf' -P 3306"},
		{"mariadb", "mariadb --defaults-file='/etc/my files/c.cnf' -P 3306"},
	} {
		got := mysqlClient(d, func(p string) bool { return strings.Contains(" "+c.has+" ", " "+p+" ") })
		if got != c.want {
			t.Errorf("%s: %s", c.has, got)
		}
	}

	// In a container that has mariadb alone; docker is a stand-in that runs here.
	bin := t.TempDir()
	for name, text := range map[string]string{
		"docker":  `[ "$1 $2 $3" = "exec -i qianzhang-mysql" ] && shift 3 && exec "$@"`,
		"mariadb": `printf '%s,' "$MYSQL_PWD" "$@"`,
		"sh":      `exec /bin/sh "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	line := mysqlClient(d, func(string) bool { return false }) + ` -e "SELECT 'a b'"`
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = []string{"PATH=" + bin, "MARIADB_ROOT_PASSWORD=secret"}
	out, err := cmd.CombinedOutput()
	if want := "secret,-u,root,-e,SELECT 'a b',"; err != nil || string(out) != want {
		t.Errorf("%s: %v %s, want %s", line, err, out, want)
	}
}
