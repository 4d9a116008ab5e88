// Package rowread reads the rows of a SELECT as the server sends them, without
// taking them apart: each row is the payload of its packet in the text
// protocol, which is the canonical text that ops/mysql/checksum sums.
//
// Logging in, TLS and everything small is go-sql-driver's. For the rows of a
// table that driver parses every number and allocates for every value; on a
// plain connection opened by Open this package takes the wire over for the time
// of one result, and on any other it reads through database/sql and puts the
// same bytes together.
//
// This is the riskiest package of the program: it reads from and writes to the driver's
// socket without the driver knowing. A packet too many or too few, or a connection given
// back in the middle of a result, would hand rows of one query to another. A connection
// whose result was not read to its end is therefore closed, never reused.
package rowread

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"opsdeck/ops/mysql"
)

// Open is mysql.Open with connections that this package reads fast from. To a
// server on this machine it logs in without TLS if the server lets it: nobody
// listens in on the loopback, and encryption would cost a core.
func Open(ctx context.Context, t mysql.Target, database string) (*sql.DB, error) {
	if t.TLS == nil && !t.NoTLS && mysql.Loopback(t) {
		plain := t
		plain.NoTLS = true
		if db, err := open(ctx, plain, database); err == nil {
			return db, nil
		}
	}
	return open(ctx, t, database)
}

func open(ctx context.Context, t mysql.Target, database string) (*sql.DB, error) {
	// The plain way first: it says best what is wrong.
	db, err := mysql.Open(ctx, t, database)
	if err != nil {
		return nil, err
	}
	db.Close()
	c := t.Config(database)
	c.DialFunc = dial(t)
	inner, err := mysql.Connector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{inner}), nil
}

// connector hands out connections that know their wire.
type connector struct{ driver.Connector }

type wireKey struct{}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	w := &wire{}
	inner, err := c.Connector.Connect(context.WithValue(ctx, wireKey{}, w))
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return inner, nil
	}
	return &conn{full, w}, nil
}

func dial(t mysql.Target) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := t.DialLine(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		w, ok := ctx.Value(wireKey{}).(*wire)
		if !ok {
			return c, nil
		}
		w.Conn = c
		return w, nil
	}
}

// fullConn is what the driver's connection offers database/sql.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is the driver's connection with the wire under it.
type conn struct {
	fullConn
	wire *wire
}

// wire is the network connection. It notes what the client agreed with the
// server about the protocol, from the first packet it writes.
type wire struct {
	net.Conn
	flags atomic.Uint32 // the client's capabilities; 0 before the first packet
}

const (
	flagCompress     = 1 << 5
	flagSSL          = 1 << 11
	flagDeprecateEOF = 1 << 24
)

func (w *wire) Write(p []byte) (n int, err error) {
	if w.flags.Load() == 0 && len(p) >= 8 {
		w.flags.Store(binary.LittleEndian.Uint32(p[4:8]))
	}
	defer w.Conn.SetWriteDeadline(time.Time{})
	for {
		until := time.Now().Add(lookEvery)
		w.Conn.SetWriteDeadline(until)
		m, err := w.Conn.Write(p[n:])
		n += m
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().Before(until): // or somebody else has set one
			return n, err
		case w.hungUp():
			return n, fmt.Errorf("write: %w", syscall.EPIPE)
		}
	}
}

// lookEvery is how long a write may be stuck before it is looked whether the server is
// still there; tests make it short. One that has no room, and closes the connection,
// is not heard of by who only writes: its window stays shut, and the kernel goes on
// asking for minutes. A server that is busy has all the time that it takes.
var lookEvery = 5 * time.Second

// hungUp tells whether the server has closed its side of the connection.
func (w *wire) hungUp() bool {
	raw, err := w.SyscallConn()
	if err != nil {
		return false
	}
	n := -1
	peeked := errors.ErrUnsupported
	err = raw.Control(func(fd uintptr) {
		n, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && peeked == nil && n == 0
}

// plain tells whether packets go over the wire as they are.
func (w *wire) plain() bool {
	f := w.flags.Load()
	return f != 0 && f&(flagCompress|flagSSL) == 0
}

// SyscallConn lets the driver see whether an idle connection still stands.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	if c, ok := w.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
