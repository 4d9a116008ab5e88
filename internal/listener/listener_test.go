package listener

import (
	"net"
	"os"
	"testing"

	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
)

func TestTheListenerOfAPortIsFoundWithItsAddress(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Logf("%s: %v", addr, err)
			continue
		}
		at := l.Addr().(*net.TCPAddr)
		got, err := On(at.Port)
		if err != nil || len(got) != 1 || got[0].PID != os.Getpid() || got[0].Name == "" {
			t.Fatalf("%s: %+v, %v", addr, got, err)
		}
		if got[0].Addr.IsLoopback() != at.IP.IsLoopback() || got[0].Addr.IsUnspecified() != at.IP.IsUnspecified() {
			t.Errorf("%s is found as %s", at, got[0].Addr)
		}
		all, err := All()
		if len(all[at.Port]) != 1 || all[at.Port][0].PID != got[0].PID {
			t.Errorf("%s: a look at all ports: %+v", at, all[at.Port])
		}
		if name, is := all.Public()[at.Port]; err != nil || is == at.IP.IsLoopback() || is && name != got[0].Name {
			t.Errorf("%s: among the public ports: %v, %q, %v", at, is, name, err)
		}
		l.Close()
		if got, err := On(at.Port); err != nil || len(got) != 0 {
			t.Errorf("a closed port: %+v, %v", got, err)
		}
	}
}
