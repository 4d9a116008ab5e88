package mysql

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// quiet is how long a read may wait before it is looked whether the server still
// answers, in nanoseconds; tests make it short.
var quiet atomic.Int64

func init() { quiet.Store(int64(time.Minute)) }

// SetQuiet changes how long a line may be silent before it is looked at, and returns
// what sets it back.
func SetQuiet(d time.Duration) (back func()) {
	was := quiet.Swap(int64(d))
	return func() { quiet.Store(was) }
}

// Line is a connection whose reads do not wait for ever on a line that passes nothing
// more. A server that is busy may be silent for as long as it takes; one that does not
// even greet a new connection at the same address is gone, and the read fails.
func Line(c net.Conn, network, addr string) net.Conn {
	return &line{Conn: c, network: network, addr: addr}
}

type line struct {
	net.Conn
	network, addr string
	reads         atomic.Int64
	stalled       atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	stop := l.watch()
	n, err := l.Conn.Read(p)
	stop()
	if err != nil && l.stalled.Load() {
		limit := time.Duration(quiet.Load()).String()
		err = ops.Wrap(err, ops.Busy, lang.M("nothing came from the server at %s for %s, and it does not answer a new connection: the line is stalled", l.addr, limit)).
			WithHint(lang.M("look at the network, the proxy or the balancer between here and the server, then run it again"))
	}
	return n, err
}

// watch looks after the read that begins now until stop is called.
func (l *line) watch() (stop func()) {
	this, d := l.reads.Add(1), time.Duration(quiet.Load())
	var timer atomic.Pointer[time.Timer]
	timer.Store(time.AfterFunc(d, func() {
		alive := l.answers()
		switch {
		case l.reads.Load() != this:
		case alive:
			if t := timer.Load(); t != nil {
				t.Reset(d)
			}
		default:
			l.stalled.Store(true)
			l.Conn.Close()
		}
	}))
	return func() {
		l.reads.Add(1)
		timer.Load().Stop()
	}
}

// answers tells whether a server says anything to a new connection: it speaks first,
// also when it has no room for one.
func (l *line) answers() bool {
	c, err := net.DialTimeout(l.network, l.addr, DialTimeout)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(DialTimeout))
	n, _ := c.Read(make([]byte, 1))
	return n > 0
}

// SyscallConn lets the driver see whether an idle connection is still open.
func (l *line) SyscallConn() (syscall.RawConn, error) {
	if c, ok := l.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
