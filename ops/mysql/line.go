package mysql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// quiet is how long a read may wait before the server is asked whether it still answers,
// for a target that does not say it.
const quiet = time.Minute

// stalls are the addresses to which a line was found stalled: a stall by each.
var stalls sync.Map

// stall is when a line was found stalled, how that was known, and what to do.
type stall struct {
	at   time.Time
	why  lang.Msg
	hint lang.Msg
}

// empty tells that a line is not stalled.
func (s stall) empty() bool { return s.why.Empty() }

// err is the error of what was done over the line.
func (s stall) err(cause error) error { return ops.Wrap(cause, ops.Busy, s.why).WithHint(s.hint) }

// newStall is the stall of a line on which the server sends nothing more.
func newStall(why lang.Msg) stall {
	return stall{
		at: time.Now(), why: why,
		hint: lang.M("check the network, the proxy or the load balancer between here and the server, then run it " +
			"again"),
	}
}

// stalledLately says why a line to the address was found stalled just now: the driver
// says of it only that the connection broke. It is empty if none was.
func stalledLately(addr string) stall {
	if s, ok := stalls.Load(addr); ok && time.Since(s.(stall).at) < time.Minute {
		return s.(stall)
	}
	return stall{}
}

// unanswered are the addresses that gave no answer to a new connection, and when that was
// first found. It ends with the next greeting, and after a minute.
var unanswered sync.Map

func unansweredLately(addr string) bool {
	at, ok := unanswered.Load(addr)
	if ok && time.Since(at.(time.Time)) >= time.Minute {
		unanswered.CompareAndDelete(addr, at)
		return false
	}
	return ok
}

// Unanswered tells whether the target gave no answer to a new connection just now: a line to
// it was found stalled, and none has been greeted since. It is not worth waiting for.
func (t Target) Unanswered() bool { return unansweredLately(t.Addr) }

// stalledLimit is how long a line to an unanswered address may be silent: the others that the same
// work holds are stalled too, and each would wait as long as the first.
const stalledLimit = time.Second

// dialLine opens a Line; every session of this program has one.
func dialLine(ctx context.Context, network, addr string) (net.Conn, error) {
	return Target{Network: network, Addr: addr, unknown: true}.DialLine(ctx, network, addr)
}

// DialLine opens a connection to the target whose reads and writes do not wait for
// ever on a line that passes nothing more. A server that is busy may be silent for as
// long as it takes. One that does not even greet a new connection is gone, and one
// that says at a new connection that it waits for us, or that the session has ended,
// has said what does not come through: the read or write fails.
func (t Target) DialLine(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &line{Conn: c, network: network, addr: addr, target: t}, nil
}

type line struct {
	net.Conn
	network, addr string
	target        Target
	head          []byte        // of what the server said first, until id is known
	id            atomic.Uint32 // the session's number, as the greeting says; 0 while it is unknown
	reads, writes atomic.Int64
	stuck         func() // ends the watch over a write that got nothing through yet
	stalled       atomic.Pointer[stall]
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
	if l.id.Load() == 0 && len(l.head) < greetingLimit {
		l.greeted(p[:n])
	}
	return n, l.explain(err)
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
	return n, l.explain(err)
}

// greetingLimit is more than a server's greeting has before the session's number.
const greetingLimit = 256

// greeted takes the session's number out of the greeting, which comes first and in
// plain text: a header of four bytes, the protocol's version, the server's version up
// to a zero byte, the number.
//
// MySQL Source Code Documentation, "Protocol::HandshakeV10".
func (l *line) greeted(part []byte) {
	l.head = append(l.head, part...)
	const before = 4 + 1
	if len(l.head) < before || l.head[4] != 10 {
		return
	}
	end := bytes.IndexByte(l.head[before:], 0)
	if at := before + end + 1; end >= 0 && len(l.head) >= at+4 {
		l.id.Store(binary.LittleEndian.Uint32(l.head[at:]))
		unanswered.Delete(l.addr)
	}
}

// explain says why a read or write failed that was ended here.
func (l *line) explain(err error) error {
	why := l.stalled.Load()
	if err == nil || why == nil {
		return err
	}
	return why.err(err)
}

// TimedOut tells whether a read or write ended because nothing came through in its time.
func TimedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err) }

// limit is how long the line may be silent before the server is asked. A server greets at
// once.
func (l *line) limit() time.Duration {
	d := quiet
	if l.target.StallAfter > 0 {
		d = l.target.StallAfter
	}
	switch known := l.id.Load() != 0; {
	case unansweredLately(l.addr) && !known:
		return stalledLimit
	case unansweredLately(l.addr):
		return min(d, stalledLimit)
	case !known:
		return min(d, dialTimeout)
	}
	return d
}

// watch looks after the read or write that begins now until stop is called.
func (l *line) watch(count *atomic.Int64) (stop func()) {
	this := count.Add(1)
	d := l.limit()
	var timer atomic.Pointer[time.Timer]
	timer.Store(time.AfterFunc(d, func() {
		why := l.diagnose(d)
		switch {
		case count.Load() != this || l.closed.Load():
		case why.empty():
			if t := timer.Load(); t != nil {
				t.Reset(d)
			}
		default:
			l.stalled.Store(&why)
			stalls.Store(l.addr, why)
			l.Conn.Close()
		}
	}))
	return func() {
		count.Add(1)
		timer.Load().Stop()
	}
}

// diagnose says why a line that was silent for d is stalled; empty when the server may
// just be busy.
func (l *line) diagnose(d time.Duration) stall {
	known := unansweredLately(l.addr)
	if !l.answers(d) {
		if why := stalledLately(l.addr); known && !why.empty() {
			return why // what was waited for first, not what was found after it
		}
		unanswered.LoadOrStore(l.addr, time.Now())
		return newStall(lang.M(
			"no data came from the server at %s for %s, and it does not respond to a new connection: the "+
				"connection is stalled",
			l.addr,
			d.String(),
		))
	}
	if id := l.id.Load(); id != 0 && l.target.waits(id, min(500*time.Millisecond, d/2)) {
		return newStall(lang.M(
			"no data came from the server at %s for %s, and it is doing nothing more for this session: the "+
				"connection is stalled",
			l.addr,
			d.String(),
		))
	}
	return l.target.waitsForRoom(l.id.Load())
}

// waitsForRoom says that a session's statement waits for free space on the server's disk,
// which may last for ever; empty when it does not, and for a target whose user waits with it.
func (t Target) waitsForRoom(id uint32) stall {
	if t.unknown || t.WaitForRoom {
		return stall{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	db, err := Open(ctx, t, "")
	if err != nil {
		return stall{}
	}
	defer db.Close()
	n, err := LookNoRoom(ctx, db, t)
	if err != nil || n == nil || !n.Sure || len(n.Sessions) == 0 || !n.holds(ctx, db, id) {
		return stall{}
	}
	return stall{at: time.Now(), why: n.what(), hint: n.hint()}
}

// waits asks the server, over a connection of its own, whether it is not at work for a
// session: it waits for a statement, writes what is not read, or has ended the session.
// It says so only when sure: a proxy may number sessions in its own way.
func (t Target) waits(id uint32, pause time.Duration) bool {
	if t.unknown {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	var own *line
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := t.DialLine(ctx, network, addr)
		if err == nil {
			own = conn.(*line)
		}
		return conn, err
	}
	db, err := Open(ctx, t, "", func(c *driver.Config) { c.DialFunc = dial })
	if err != nil {
		return false
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for range 2 { // it may be in between two statements, or at the end of one
		me, err := schema.One(ctx, db, "SELECT CONNECTION_ID()")
		if err != nil || own == nil || me != strconv.FormatUint(uint64(own.id.Load()), 10) {
			return false
		}
		rows, err := schema.All(ctx, db,
			"SELECT COMMAND, COALESCE(STATE, '') FROM information_schema.PROCESSLIST WHERE ID = ?", id)
		if err != nil || len(rows) > 0 && !idle(rows[0][0], rows[0][1]) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// idle tells whether a session's command and state, as the process list has them,
// leave the next step to the client.
func idle(command, state string) bool {
	switch strings.ToLower(state) {
	case "sending to client", "writing to net", "reading from net":
		return true
	}
	return command == "Sleep"
}

// answers tells whether a server says anything to a new connection: it speaks first,
// also when it has no room for one. It has about as long for that as the line was
// silent, d. A line that waits for a greeting of its own has asked an unanswered address already.
func (l *line) answers(d time.Duration) bool {
	limit := min(max(d, 2*time.Second), dialTimeout)
	if unansweredLately(l.addr) {
		if l.id.Load() == 0 {
			return false
		}
		limit = stalledLimit
	}
	c, err := net.DialTimeout(l.network, l.addr, limit)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(limit))
	if n, _ := c.Read(make([]byte, 1)); n == 0 {
		return false
	}
	unanswered.Delete(l.addr)
	return true
}

// SyscallConn lets the driver see whether an idle connection is still open.
func (l *line) SyscallConn() (syscall.RawConn, error) {
	if c, ok := l.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Stalled is the error of a session from which nothing came for d although it is not at
// work, or whose server does not respond to a new connection; nil when it may be busy.
// It asks the server. id is the session's number.
func (t Target) Stalled(id int64, d time.Duration) error {
	l := &line{network: t.Network, addr: t.Addr, target: t}
	l.id.Store(uint32(id))
	why := l.diagnose(d)
	if why.empty() {
		return nil
	}
	stalls.Store(l.addr, why)
	return why.err(nil)
}
