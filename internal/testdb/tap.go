package testdb

import (
	"io"
	"net"
	"strconv"
	"testing"
)

// What a client's packets begin with.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
const (
	comQuery   = 3
	comPrepare = 22
)

// Tap opens a port that passes connections on to the server, without TLS, and
// returns its address. Before a statement goes on, at is called with its first
// bytes, and the connection waits until at returns. Connections end with the test.
func (s *Server) Tap(t testing.TB, at func(statement string)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				continue
			}
			t.Cleanup(func() { in.Close(); out.Close() })
			go func() {
				io.Copy(in, out)
				in.Close()
			}()
			go func() {
				forward(out, in, at)
				out.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// forward passes a client's packets on, one by one.
func forward(to io.Writer, from io.Reader, at func(string)) {
	buf := make([]byte, 4+400)
	for {
		if _, err := io.ReadFull(from, buf[:4]); err != nil {
			return
		}
		size := int(buf[0]) | int(buf[1])<<8 | int(buf[2])<<16
		first := buf[4 : 4+min(size, len(buf)-4)]
		if _, err := io.ReadFull(from, first); err != nil {
			return
		}
		// The first packet of a command has the number 0.
		if buf[3] == 0 && len(first) > 0 && (first[0] == comQuery || first[0] == comPrepare) {
			at(string(first[1:]))
		}
		if _, err := to.Write(buf[:4+len(first)]); err != nil {
			return
		}
		if _, err := io.CopyN(to, from, int64(size-len(first))); err != nil {
			return
		}
	}
}
