package logfile

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// serverProgram is the log server that an environment variable names; the test is skipped
// without one: they take too long to build for CI.
func serverProgram(t *testing.T, variable string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("set %s to a server's program", variable)
	}
	return program
}

// startLogServer runs a log server until the test ends, and returns its address once path
// answers.
func startLogServer(t *testing.T, cmd *exec.Cmd, port int, path string) (base string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%.2000s", out.String())
		}
	})
	base = fmt.Sprintf("http://127.0.0.1:%d", port)
	until(t, "the server answers", func() bool {
		resp, err := http.Get(base + path)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return base
}
