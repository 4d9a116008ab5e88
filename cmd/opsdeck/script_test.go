package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
)

// TestMain runs the tests; started as a command, which a restore begun inside a test
// does with its worker, the test's binary is opsdeck, and never runs the tests again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"opsdeck": main})
}

func scriptHome(e *testscript.Env) error {
	home := e.WorkDir + "/home"
	e.Vars = append(e.Vars, testenv.Script()...)
	e.Setenv("HOME", home)
	e.Setenv("LANG", "C")
	e.Setenv("XDG_CONFIG_HOME", home+"/.config")
	e.Setenv("XDG_STATE_HOME", home+"/.state")
	return os.MkdirAll(home, 0o700)
}

// TestScript runs testdata/script/*.txtar: each shows commands and their
// outcome as a person at a shell would see them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: scriptHome})
}

// TestScriptOnARealServer runs the scripts of two folders, each on a schema of
// its own of a real server: $DB is its name, my.cnf its login, $PORT a free port.
// Scripts run side by side, and a restore waits until nobody writes to the
// server: so those have another one.
func TestScriptOnARealServer(t *testing.T) {
	t.Run("mariadb", func(t *testing.T) { scripts(t, "testdata/script/real", testdb.MariaDB(t)) })
	t.Run("mysql", func(t *testing.T) { scripts(t, "testdata/script/restore", testdb.MySQL(t)) })
}

func scripts(t *testing.T, dir string, server *testdb.Server) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			if err := scriptHome(e); err != nil {
				return err
			}
			port, err := testdb.FreePort()
			if err != nil {
				return err
			}
			e.Setenv("DB", server.Schema(e.T().(testing.TB)))
			e.Setenv("PORT", strconv.Itoa(port))
			e.Setenv("MYSQL_PORT", strconv.Itoa(server.Port))
			login := fmt.Sprintf(
				"[client]\nuser=%s\npassword=%s\nhost=%s\nport=%d\n",
				server.User,
				server.Password,
				server.Host,
				server.Port,
			)
			return os.WriteFile(filepath.Join(e.WorkDir, "my.cnf"), []byte(login), 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// sql FILE runs the statements of a file in $DB.
			"sql": func(ts *testscript.TestScript, neg bool, args []string) {
				db := server.Open(t, ts.Getenv("DB")+"?multiStatements=true")
				defer db.Close()
				_, err := db.Exec(ts.ReadFile(args[0]))
				if (err != nil) != neg {
					ts.Fatalf("sql %s: %v", args[0], err)
				}
			},
			// get CODE URL REGEXP asks until something listens there.
			"get": func(ts *testscript.TestScript, _ bool,
				args []string) {
				ts.Check(getOnce(args[0], args[1], args[2]))
			},
			// fill FILE replaces ${NAME} by the script's variables.
			"fill": func(ts *testscript.TestScript, _ bool, args []string) {
				text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
		},
	})
}

func getOnce(code, address, pattern string) error {
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(address)
		if err != nil {
			if time.Now().After(deadline) {
				return err
			}
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if ok, err := regexp.Match(pattern, bytes.TrimSpace(body)); err != nil || !ok ||
			strconv.Itoa(resp.StatusCode) != code {
			return fmt.Errorf("%s: %d %s (%v)", address, resp.StatusCode, body, err)
		}
		return nil
	}
}
