package main

import (
	_ "embed"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// poisoned makes mounts that nobody else sees: system folders and a home in which
// opsdeck is in use, with files that break whoever reads them. It runs a program
// there and lists what changed.
//
//go:embed testdata/poisoned.sh
var poisoned string

// TestTheScriptsLeaveTheMachineAlone runs the scripts on a machine whose own
// configuration, state and home would make every one of them fail.
func TestTheScriptsLeaveTheMachineAlone(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounts of its own need root")
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "SCRATCH=" + t.TempDir()}
	if os.Getenv("POISONED") != "" {
		return
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-c", poisoned, "sh", os.Args[0], "-test.run", "^TestScript$")
	cmd.Env = append(env, "POISONED=1")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "unshare failed") {
		t.Skipf("no mounts of its own here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
