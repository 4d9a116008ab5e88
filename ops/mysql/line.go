package mysql

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
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

// stalls are the addresses to which a line was found stalled, and when.
var stalls sync.Map

// stalledLately tells whether a line to the address was found stalled just now: the
// driver says of it only that the connection broke.
func stalledLately(addr string) bool {
	when, ok := stalls.Load(addr)
	return ok && time.Since(when.(time.Time)) < time.Minute
}

func stalledLine(addr string) lang.Msg {
	limit := time.Duration(quiet.Load()).String()
	return lang.M(
		"nothing came from the server at %s for %s, and it does not answer a new connection: the line is stalled",
		addr,
		limit,
	)
}

// dialLine opens a Line; every session of this program has one.
func dialLine(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return Line(c, network, addr), nil
}

// Line is a connection whose reads and writes do not wait for ever on a line that passes
// nothing more. A server that is busy may be silent for as long as it takes; one that does not
// even greet a new connection at the same address is gone, and the read fails.
func Line(c net.Conn, network, addr string) net.Conn {
	return &line{Conn: c, network: network, addr: addr}
}

type line struct {
	net.Conn
	network, addr string
	reads, writes atomic.Int64
	stuck         func() // ends the watch over a write that got nothing through yet
	stalled       atomic.Bool
	closed        atomic.Bool
}

// Close ends the connection and the watch over it.
func (l *line) Close() error {
	l.closed.Store(true)
	return l.Conn.Close()
}

func (l *line) Read(p []byte) (int, error) {
	stop := l.watch(&l.reads)
	n, err := l.Conn.Read(p)
	stop()
	return n, l.told(err)
}

// Write is watched until something gets through: who has a deadline of its own may try
// several times.
func (l *line) Write(p []byte) (int, error) {
	if l.stuck == nil {
		l.stuck = l.watch(&l.writes)
	}
	n, err := l.Conn.Write(p)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		l.stuck()
		l.stuck = nil
	}
	return n, l.told(err)
}

// told says why a read or write failed that was ended here.
func (l *line) told(err error) error {
	if err == nil || !l.stalled.Load() {
		return err
	}
	return ops.Wrap(err, ops.Busy, stalledLine(l.addr)).WithHint(stalledHint())
}

func stalledHint() lang.Msg {
	return lang.M("check the network, the proxy or the load balancer between here and the server, then run it again")
}

// watch looks after the read or write that begins now until stop is called.
func (l *line) watch(count *atomic.Int64) (stop func()) {
	this, d := count.Add(1), time.Duration(quiet.Load())
	var timer atomic.Pointer[time.Timer]
	timer.Store(time.AfterFunc(d, func() {
		alive := l.answers()
		switch {
		case count.Load() != this || l.closed.Load():
		case alive:
			if t := timer.Load(); t != nil {
				t.Reset(d)
			}
		default:
			l.stalled.Store(true)
			stalls.Store(l.addr, time.Now())
			l.Conn.Close()
		}
	}))
	return func() {
		count.Add(1)
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
