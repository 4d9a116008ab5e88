package service

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAContainerThatDoesNotRunSaysWhy, in the words of docker inspect. A container that
// runs, one that is not there and a machine without Docker explain nothing.
func TestAContainerThatDoesNotRunSaysWhy(t *testing.T) {
	dir := t.TempDir()
	path := os.Getenv("PATH")
	for _, c := range []struct{ script, cause, remedy string }{
		{"echo exited 137 false", "the container qz-mysql has stopped, exit code 137", "docker start qz-mysql"},
		{"echo exited 137 true", "the container qz-mysql was killed: out of memory", "docker start qz-mysql"},
		{"echo paused 0 false", "the container qz-mysql is paused", "docker unpause qz-mysql"},
		{"echo created 0 false", "the container qz-mysql was never started", "docker start qz-mysql"},
		{"echo restarting 1 false", "the container qz-mysql is not running: Docker reports restarting", ""},
		{"echo running 0 false", "", ""},
		{"echo Error: No such container: qz-mysql >&2; exit 1", "", ""},
		{"echo Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running? >&2; exit 1",
			"the Docker engine does not respond", "sudo systemctl start docker"},
		{"", "", ""},
	} {
		os.Remove(filepath.Join(dir, "docker"))
		t.Setenv("PATH", dir)
		if c.script != "" {
			body := "#!/bin/sh\n[ \"$1 $7\" = 'inspect qz-mysql' ] || { echo wrong words: $* >&2; exit 9; }\n" +
				c.script
			if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(body), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+path)
		}
		if got := Container(t.Context(), "qz-mysql"); got.Cause.String() != c.cause || got.Remedy != c.remedy {
			t.Errorf("%s: %q %q", c.script, got.Cause, got.Remedy)
		}
	}
}
