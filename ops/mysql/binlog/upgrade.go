package binlog

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// clientSSL is the capability of TLS.
const clientSSL = 0x800

// sslRequest is the length of the part of a login that is sent before TLS, in bytes.
const sslRequest = 32

// upgrade is a connection that switches to TLS below a driver that is unaware of it, so
// that the TLS connection can be taken over after the login. It inserts the TLS request
// before the driver's login and shifts the packet sequence numbers by one.
type upgrade struct {
	net.Conn
	config *tls.Config

	greeted bool
	noTLS   bool   // the server offers no TLS
	shifted bool   // the login is running
	pending []byte // read, but not yet passed on
	secure  *tls.Conn
}

func (u *upgrade) wire() net.Conn {
	if u.secure != nil {
		return u.secure
	}
	return u.Conn
}

// Read passes the server's packets to the driver.
func (u *upgrade) Read(b []byte) (int, error) {
	if len(u.pending) > 0 {
		n := copy(b, u.pending)
		u.pending = u.pending[n:]
		return n, nil
	}
	if u.greeted && !u.shifted {
		return u.wire().Read(b)
	}
	packet, err := readPacket(u.wire())
	if err != nil {
		return 0, err
	}
	if !u.greeted {
		u.greeted = true
		if err := u.greet(packet[4:]); err != nil {
			return 0, err
		}
	} else {
		packet[3]--
	}
	u.pending = packet
	return u.Read(b)
}

func readPacket(r io.Reader) ([]byte, error) {
	head := make([]byte, 4, 512)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	return readSized(r, head, int(head[0])|int(head[1])<<8|int(head[2])<<16)
}

// greet checks whether the server offers TLS.
func (u *upgrade) greet(greeting []byte) error {
	c := cursor{b: greeting}
	if c.u8() != 10 { // an error packet, which the driver reports
		return nil
	}
	for !c.bad && c.u8() != 0 { // server version
	}
	c.take(4 + 8 + 1)
	if c.u16()&clientSSL == 0 {
		u.noTLS = true
		return errNoTLS
	}
	return nil
}

// errNoTLS stops the login without TLS: the driver considers the connection safe and might
// send the password in clear text.
var errNoTLS = errors.New("the server does not offer TLS")

// Write passes the driver's packets to the server.
func (u *upgrade) Write(b []byte) (int, error) {
	switch {
	case u.secure == nil:
		return len(b), u.login(b)
	case u.shifted && len(b) > 3 && b[3] == 0: // the first command: the login has finished
		u.shifted = false
	case u.shifted:
		own := append([]byte(nil), b...)
		own[3]++
		_, err := u.secure.Write(own)
		return len(b), err
	}
	return u.wire().Write(b)
}

// login requests TLS and sends the driver's login packet over it.
func (u *upgrade) login(b []byte) error {
	if len(b) < 4+sslRequest {
		return fmt.Errorf("a login of %d bytes", len(b))
	}
	answer := append([]byte(nil), b...)
	answer[5] |= clientSSL >> 8
	request := append([]byte{sslRequest, 0, 0, answer[3]}, answer[4:4+sslRequest]...)
	if _, err := u.Conn.Write(request); err != nil {
		return err
	}
	u.secure = tls.Client(u.Conn, u.config)
	if err := u.secure.Handshake(); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	u.shifted = true
	answer[3]++
	_, err := u.secure.Write(answer)
	return err
}
