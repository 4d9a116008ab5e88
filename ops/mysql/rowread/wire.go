package rowread

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// stallLimit is how long a server may work on a query without sending a byte,
// before the line counts as dead; tests make it short.
var stallLimit = 15 * time.Minute

const (
	bufferSize = 256 << 10 // of what is read ahead from the wire
	maxPacket  = 1<<24 - 1 // payload of one packet; a longer row goes on in the next
	comQuery   = 0x03
	packetEOF  = 0xfe
	packetErr  = 0xff
	packetFile = 0xfb
)

// wireSource reads the packets of one text result set off the wire.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html
type wireSource struct {
	w    *wire
	ctx  context.Context
	stop func() bool // ends the watch over ctx
	buf  []byte
	r, n int    // unread: buf[r:n]
	long []byte // a row of several packets
	done bool
}

func newWireSource(ctx context.Context, w *wire, query string, columns int) (source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &wireSource{w: w, ctx: ctx, buf: make([]byte, bufferSize)}
	s.stop = context.AfterFunc(ctx, func() { w.Conn.SetDeadline(time.Unix(1, 0)) })
	err := s.send(query)
	if err == nil {
		err = s.header(columns)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *wireSource) send(query string) error {
	if len(query) >= maxPacket-1 {
		return fmt.Errorf("a query of %d bytes is too long", len(query))
	}
	packet := binary.LittleEndian.AppendUint32(make([]byte, 0, len(query)+5), uint32(len(query)+1)) // sequence 0
	packet = append(append(packet, comQuery), query...)
	if _, err := s.w.Write(packet); err != nil {
		return s.broken(err)
	}
	return nil
}

// header reads up to the first row.
func (s *wireSource) header(columns int) error {
	p, err := s.packet()
	if err != nil {
		return err
	}
	switch {
	case len(p) == 0 || p[0] == 0 || p[0] == packetFile:
		return s.broken(errors.New("the answer to a query is no result set"))
	case p[0] == packetErr:
		s.done = true
		return serverError(p)
	}
	count, rest, ok := length(p)
	if !ok || count != columns {
		return s.broken(fmt.Errorf("a result of %d columns where %d were asked for", count, columns))
	}
	if len(rest) > 0 && rest[0] == 0 {
		columns = 0 // MariaDB leaves out what it has told before
	}
	if s.w.flags.Load()&flagDeprecateEOF == 0 {
		columns++
	}
	for range columns {
		if _, err := s.packet(); err != nil {
			return err
		}
	}
	return nil
}

func length(p []byte) (n int, rest []byte, ok bool) {
	if p[0] < 0xfb {
		return int(p[0]), p[1:], true
	}
	if p[0] == 0xfc && len(p) >= 3 {
		return int(p[1]) | int(p[2])<<8, p[3:], true
	}
	return 0, nil, false
}

func (s *wireSource) next() ([]byte, error) {
	if s.done {
		return nil, nil
	}
	p, err := s.packet()
	if err != nil {
		return nil, err
	}
	if len(p) > 0 && p[0] == packetErr {
		s.done = true
		return nil, serverError(p)
	}
	// A row can begin with 0xFE too: a value of 16 MB or more.
	if len(p) > 0 && p[0] == packetEOF && len(p) < maxPacket {
		s.done = true
		return nil, nil
	}
	return p, nil
}

// packet reads one payload, valid until the next call. Payloads of the greatest
// size go on in the next packet.
func (s *wireSource) packet() ([]byte, error) {
	size, err := s.head()
	if err != nil {
		return nil, err
	}
	if size < maxPacket && size <= len(s.buf) {
		if err := s.fill(size); err != nil {
			return nil, err
		}
		p := s.buf[s.r : s.r+size]
		s.r += size
		return p, nil
	}
	s.long = s.long[:0]
	for {
		if err := s.take(size); err != nil {
			return nil, err
		}
		if size < maxPacket {
			return s.long, nil
		}
		if size, err = s.head(); err != nil {
			return nil, err
		}
	}
}

// head reads a packet's header and returns its length.
func (s *wireSource) head() (int, error) {
	if s.n-s.r < 4 {
		if err := s.fill(4); err != nil {
			return 0, err
		}
	}
	h := s.buf[s.r : s.r+4]
	s.r += 4
	return int(h[0]) | int(h[1])<<8 | int(h[2])<<16, nil
}

// fill makes sure that at least want bytes are unread in the buffer.
func (s *wireSource) fill(want int) error {
	if s.n-s.r >= want {
		return nil
	}
	if len(s.buf)-s.r < want || s.r == s.n {
		s.n = copy(s.buf, s.buf[s.r:s.n])
		s.r = 0
	}
	if err := s.patience(); err != nil {
		return err
	}
	n, err := io.ReadAtLeast(s.w.Conn, s.buf[s.n:], want-(s.n-s.r))
	s.n += n
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// patience lets the next read wait for stallLimit. The end of ctx may come in
// between and set the deadline that this one replaces, so it is looked at after.
func (s *wireSource) patience() error {
	s.w.Conn.SetReadDeadline(time.Now().Add(stallLimit))
	if s.ctx.Err() != nil {
		return s.broken(s.ctx.Err())
	}
	return nil
}

// take appends size bytes to the long row.
func (s *wireSource) take(size int) error {
	have := min(size, s.n-s.r)
	s.long = append(s.long, s.buf[s.r:s.r+have]...)
	s.r += have
	if have == size {
		return nil
	}
	at := len(s.long)
	s.long = append(s.long, make([]byte, size-have)...)
	if err := s.patience(); err != nil {
		return err
	}
	if _, err := io.ReadFull(s.w.Conn, s.long[at:]); err != nil {
		return s.broken(err)
	}
	return nil
}

// broken ends the connection, for it is in the middle of something. The error
// is the context's when that is why.
func (s *wireSource) broken(err error) error {
	s.done = true
	s.w.Conn.Close()
	if cause := context.Cause(s.ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("%w: %w", mysqldriver.ErrInvalidConn, err)
}

func (s *wireSource) close() error {
	if !s.done {
		s.done = true
		s.w.Conn.Close()
	}
	if !s.stop() {
		s.w.Conn.Close() // its deadline is over
	}
	s.w.Conn.SetReadDeadline(time.Time{})
	return nil
}

// serverError reads an ERR packet.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html
func serverError(p []byte) error {
	if len(p) < 3 {
		return mysqldriver.ErrMalformPkt
	}
	e := &mysqldriver.MySQLError{Number: binary.LittleEndian.Uint16(p[1:])}
	text := p[3:]
	if len(text) >= 6 && text[0] == '#' {
		copy(e.SQLState[:], text[1:6])
		text = text[6:]
	}
	e.Message = string(text)
	return e
}
