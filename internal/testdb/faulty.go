package testdb

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// Line is a way to a server that can be made faulty, as a proxy, a load balancer or
// a firewall is. Each fault is of the connections that are there when it begins; those
// made later pass, unless unanswered is set.
type Line struct {
	Host string
	Port int

	mu         sync.Mutex
	fault      Fault
	age        int         // counts the faults
	unanswered bool        // new connections are accepted, and nothing passes
	after      int64       // bytes from the server after which a fault is in force
	left       int64       // bytes from the server until nothing passes any more; 0 is no end
	hit        atomic.Bool // the fault came to pass
	over       <-chan struct{}
}

// Fault is what a line does to a connection.
type Fault int

const (
	Pass    Fault = iota
	Stall         // nothing passes any more, and nobody is told
	Garbage       // bytes from the server are others
	HalfEnd       // the server's side ends, the client's stays open
)

// Line opens such a way to the server. It ends with the test.
func (s *Server) Line(t testing.TB) *Line {
	t.Helper()
	l := &Line{over: t.Context().Done()}
	server := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	at := Listen(t, func(in net.Conn) {
		out, err := net.Dial("tcp", server)
		if err != nil {
			in.Close()
			return
		}
		t.Cleanup(func() { out.Close() })
		l.mu.Lock()
		born := l.age
		if l.unanswered {
			born = -1
		}
		l.mu.Unlock()
		go l.pump(out, in, born, false)
		go l.pump(in, out, born, true)
	})
	host, port, _ := net.SplitHostPort(at.String())
	l.Host = host
	l.Port, _ = strconv.Atoi(port)
	return l
}

// Set puts a fault in force for the connections that are there, and for those of an
// unanswered line that come later. after is how many bytes from the server each one of the
// later connections, which then have the fault too, still passes; 0 leaves them well.
func (l *Line) Set(f Fault, unanswered bool, after int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
	l.unanswered = unanswered
	l.after = after
	l.left = 0
	l.age++
	l.hit.Store(false)
}

// StallIn lets so many more bytes from the server pass, over all connections together.
// Then nothing passes any more, over those that are there and over new ones.
func (l *Line) StallIn(bytes int64) {
	l.Set(Pass, false, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = bytes
}

// spend counts bytes from the server.
func (l *Line) spend(n int) {
	l.mu.Lock()
	left := l.left
	if left > 0 {
		l.left = max(1, left-int64(n))
	}
	out := left > 0 && l.left == 1
	l.mu.Unlock()
	if out {
		l.Set(Stall, true, 0)
	}
}

// Hit tells whether a connection has met the fault.
func (l *Line) Hit() bool { return l.hit.Load() }

// now is the fault that a connection has after so many bytes from the server.
func (l *Line) now(born int, passed int64) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if born >= l.age && (l.after == 0 || passed < l.after) {
		return Pass
	}
	return l.fault
}

func (l *Line) pump(to, from net.Conn, born int, down bool) {
	defer to.Close()
	buf := make([]byte, 4096)
	for passed := int64(0); ; {
		n, err := from.Read(buf)
		if down {
			l.spend(n)
		}
		fault := l.now(born, passed)
		if down {
			passed += int64(n)
		}
		if fault != Pass && (down || fault == Stall) {
			l.hit.Store(true)
		}
		switch {
		case fault == Stall:
			<-l.over
			return
		case err != nil:
			return
		case fault == Garbage && down:
			for i := range n {
				buf[i] ^= byte(i*37 + 11)
			}
		case fault == HalfEnd && down:
			if c, ok := to.(*net.TCPConn); ok {
				c.CloseWrite()
			}
			<-l.over
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
