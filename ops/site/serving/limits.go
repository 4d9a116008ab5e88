package serving

import (
	"bufio"
	"container/list"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the connections. Where one is reached, the oldest connection that is
// not being answered makes room: who only holds connections keeps nobody out.
const (
	connections = 512 // of all clients
	perClient   = 128 // of one address
	helloTime   = 2 * time.Second
)

// bounded is a listener that keeps the number of connections within bounds, of
// each client and of all.
type bounded struct {
	net.Listener
	most, each int
	tls        bool // its clients are to speak TLS

	mu   sync.Mutex
	open *list.List // of *clientConn, oldest first
	from map[string]int
}

func newBounded(l net.Listener, most, each int) *bounded {
	return &bounded{Listener: l, most: most, each: each, open: list.New(), from: map[string]int{}}
}

// Accept takes the next connection.
func (l *bounded) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if taken := l.take(c); taken != nil {
			return taken, nil
		}
		c.Close()
	}
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// take makes room for a connection and lists it; nil when all others are being
// answered.
func (l *bounded) take(c net.Conn) *clientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := hostOf(c.RemoteAddr())
	switch {
	case l.from[from] >= l.each:
		if !l.evict(from) {
			return nil
		}
	case l.open.Len() >= l.most:
		if !l.evict(l.busiest()) {
			return nil
		}
	}
	taken := &clientConn{Conn: c, in: bufio.NewReaderSize(c, 512), owner: l, client: from}
	taken.at = l.open.PushBack(taken)
	l.from[from]++
	return taken
}

// busiest is the client with the most connections.
func (l *bounded) busiest() (client string) {
	for name, n := range l.from {
		if n > l.from[client] {
			client = name
		}
	}
	return client
}

// evict ends a client's oldest connection that is not being answered.
func (l *bounded) evict(client string) bool {
	for e := l.open.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*clientConn); c.client == client && !c.answered {
			l.remove(c)
			c.Conn.Close()
			return true
		}
	}
	return false
}

// remove takes a connection off the list.
func (l *bounded) remove(c *clientConn) {
	if c.at == nil {
		return
	}
	l.open.Remove(c.at)
	c.at = nil
	if l.from[c.client]--; l.from[c.client] <= 0 {
		delete(l.from, c.client)
	}
}

// clientConn is a connection that is on a bounded listener's list.
type clientConn struct {
	net.Conn
	in       *bufio.Reader
	looked   bool
	owner    *bounded
	client   string
	at       *list.Element // nil once it is off the list
	answered bool          // a request of it is being answered
}

// tlsHandshake is the first byte of a TLS client.
const tlsHandshake = 0x16

// Answers to who speaks the other of the two.
const (
	badRequest = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	plainHTTP  = badRequest + "This port speaks plain HTTP, not TLS: use http:// in the address.\n"
	tlsOnly    = badRequest + "This port speaks TLS, not plain HTTP: use https:// in the address.\n"
)

// Read reads; at the first byte it looks whether this can become a request.
func (c *clientConn) Read(b []byte) (int, error) {
	if c.looked {
		return c.in.Read(b)
	}
	c.looked = true
	first, err := c.in.Peek(1)
	if err != nil {
		return 0, err
	}
	if isTLS := first[0] == tlsHandshake; isTLS != c.owner.tls {
		c.turnAway()
		return 0, net.ErrClosed
	}
	return c.in.Read(b)
}

// turnAway ends the connection of a client that speaks TLS where plain HTTP is
// spoken, or the other way round.
func (c *clientConn) turnAway() {
	answer := plainHTTP
	if c.owner.tls {
		answer = tlsOnly
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(helloTime))
	_, _ = c.Conn.Write([]byte(answer))
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.owner.tls {
		// Unread input would turn the end into a reset, which drops the answer.
		_ = half.CloseWrite()
		_ = c.Conn.SetReadDeadline(time.Now().Add(helloTime))
		_, _ = io.CopyN(io.Discard, c.in, headerBytes)
	}
	c.Close()
}

// Close ends the connection and gives its place back.
func (c *clientConn) Close() error {
	c.owner.mu.Lock()
	c.owner.remove(c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// answering marks that a request of the connection is being answered, or no more.
func (c *clientConn) answering(yes bool) {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.answered = yes
}

type connKey struct{}

// newServer is the HTTP server with its limits of time and size.
func newServer(h http.Handler) *http.Server {
	marked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*clientConn); ok && c != nil {
			c.answering(true)
			defer c.answering(false)
		}
		h.ServeHTTP(w, r)
	})
	only1 := new(http.Protocols)
	only1.SetHTTP1(true) // a connection is one request at a time
	return &http.Server{
		Protocols:         only1,
		Handler:           marked,
		ReadHeaderTimeout: HeaderTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secured, ok := c.(*tls.Conn); ok {
				c = secured.NetConn()
			}
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}
