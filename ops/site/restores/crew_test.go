package restores

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
)

// TestAStopIsJudgedByTheStatusCommand has status commands that end with 1, as test does,
// with 3, as init scripts do, and with what says nothing.
func TestAStopIsJudgedByTheStatusCommand(t *testing.T) {
	defer func(was time.Duration) { downWait = was }(downWait)
	downWait = time.Second
	for _, c := range []struct{ status, note, fault string }{
		{"test -e UP", "apparently stopped (cannot be confirmed): rm UP", ""},
		{"test -e UP || exit 3", "stopped: rm UP", ""},
		{"test -e UP || exit 7", "", "cannot tell whether shop has stopped: the status command exited with 7"},
		{"true", "", "shop is still running 1s after the stop command"},
	} {
		up := filepath.Join(t.TempDir(), "up")
		in := func(s string) string { return strings.ReplaceAll(s, "UP", up) }
		p := config.Process{Kind: "command", Start: in("touch UP"), Stop: in("rm UP"), Status: in(c.status)}
		d := &Desk{Site: &site.Site{Service: &config.Service{Name: "shop", Process: p}}}
		of := restore.Process{Kind: "command", Name: "shop", Start: p.Start, Stop: p.Stop}
		if err := os.WriteFile(up, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, notes, err := (&processes{Desk: d}).Stop(t.Context(), of)
		said := ""
		for _, n := range notes {
			said += n.Msg.String()
		}
		if said != in(c.note) || c.fault == "" && err != nil ||
			c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %q, %v", c.status, said, err)
		}
	}
}
