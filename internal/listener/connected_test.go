package listener

import (
	"net"
	"testing"
)

func TestOpenConnectionsAreCounted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	count := func(want int) {
		t.Helper()
		if n, err := Connected(port); err != nil || n != want {
			t.Errorf("%d, %v, want %d", n, err, want)
		}
	}
	count(0)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	count(2)
}
