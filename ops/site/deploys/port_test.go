package deploys

import (
	"strings"
	"testing"

	"opsdeck/internal/listener"
	"opsdeck/ops"
)

// TestAHolderOfAPortThatCannotBeSeenIsNotNamed: "pid 0" helps nobody.
func TestAHolderOfAPortThatCannotBeSeenIsNotNamed(t *testing.T) {
	for _, c := range []struct {
		by         listener.Socket
		what, hint string
	}{
		{listener.Socket{PID: 42, Name: "node"}, "port 3000 is taken by node (pid 42)", "ps -fp 42"},
		{listener.Socket{}, "port 3000 is taken by another process", "ss -ltnp 'sport = :3000'"},
	} {
		e := taken(3000, c.by).(*ops.Error)
		if e.What.String() != c.what || !strings.HasSuffix(e.Hint.String(), c.hint) {
			t.Errorf("%q, %q", e.What, e.Hint)
		}
	}
}
