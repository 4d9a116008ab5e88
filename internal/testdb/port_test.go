package testdb

import (
	"net"
	"strconv"
	"testing"
)

func TestAPortIsGivenOnceAndNeverToAConnection(t *testing.T) {
	given := map[int]bool{}
	for range 300 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] || port >= anyPort() {
			t.Fatalf(
				"%d was given, and connections take ports from %d on; given twice: %v",
				port,
				anyPort(),
				given[port],
			)
		}
		given[port] = true
		if claim(port) {
			t.Fatalf("%d can be given to others", port)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
