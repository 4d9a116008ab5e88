package testdb

import (
	"net"
	"testing"
)

// Listen takes connections on a free port of the loopback and hands each to
// serve, which may close it; else it stays open until the test ends. It is for
// faults that a real server does not produce on demand. The address is host:port.
func Listen(t testing.TB, serve func(net.Conn)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				serve(c)
				<-t.Context().Done() // held until then, for what nobody holds is closed when memory is collected
				c.Close()
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr)
}
