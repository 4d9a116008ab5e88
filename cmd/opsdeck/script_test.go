package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"opsdeck": main})
}

// TestScript runs testdata/script/*.txtar: each shows commands and their
// outcome as a person at a shell would see them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			home := e.WorkDir + "/home"
			e.Setenv("HOME", home)
			e.Setenv("LANG", "C")
			e.Setenv("XDG_CONFIG_HOME", home+"/.config")
			e.Setenv("XDG_STATE_HOME", home+"/.state")
			return os.MkdirAll(home, 0o700)
		},
	})
}
