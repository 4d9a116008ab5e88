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

// sslRequest is the length of the part of a login that comes before TLS, in bytes.
const sslRequest = 32

// upgrade is a connection that goes over to TLS below a driver that knows nothing of
// it, so that the connection below can be taken over after the login: it puts the
// request for TLS before the driver's login, and shifts the packets' numbers by the
// one packet that the driver does not know.
type upgrade struct {
	net.Conn
	config *tls.Config

	greeted bool
	noTLS   bool   // the server offers none
	shifted bool   // the login is under way
	pending []byte // read and not yet handed on
	secure  *tls.Conn
}

func (u *upgrade) wire() net.Conn {
	if u.secure != nil {
		return u.secure
	}
	return u.Conn
}

// Read gives the driver its packets.
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

// greet looks whether the server offers TLS.
func (u *upgrade) greet(greeting []byte) error {
	c := cursor{b: greeting}
	if c.u8() != 10 { // an error, which the driver tells
		return nil
	}
	for !c.bad && c.u8() != 0 { // the version
	}
	c.take(4 + 8 + 1)
	if c.u16()&clientSSL == 0 {
		u.noTLS = true
		return errNoTLS
	}
	return nil
}

// errNoTLS: the driver takes the connection for a safe one and might send the
// password as it is, so the login must not go on without TLS.
var errNoTLS = errors.New("the server does not offer TLS")

// Write takes the driver's packets.
func (u *upgrade) Write(b []byte) (int, error) {
	switch {
	case u.secure == nil:
		return len(b), u.login(b)
	case u.shifted && len(b) > 3 && b[3] == 0: // the first command: the login is over
		u.shifted = false
	case u.shifted:
		own := append([]byte(nil), b...)
		own[3]++
		_, err := u.secure.Write(own)
		return len(b), err
	}
	return u.wire().Write(b)
}

// login asks for TLS, and sends the driver's answer to the greeting over it.
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
