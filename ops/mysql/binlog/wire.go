package binlog

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"

	"opsdeck/ops/mysql"
)

// Commands of the protocol, and the flag that ends a dump at the log's end.
const (
	comBinlogDump     = 0x12
	comRegisterSlave  = 0x15
	comBinlogDumpGTID = 0x1e
	dumpNonBlock      = 1
	dumpAnnotations   = 2 // MariaDB: send the annotations with the statements' text
)

// heartbeat is the interval of the server's heartbeats on a quiet log; silence is the
// timeout without any byte.
const (
	heartbeat = time.Second
	silence   = 30 * time.Second
)

// Stream is a server's binlog stream, as a replica receives it.
type Stream struct {
	db   *sql.DB
	conn *sql.Conn
	raw  net.Conn
	in   *bufio.Reader
	stop func() bool
	from uint64 // requested position, if the server cannot start there
	at   uint64 // position of the next event until from is reached

	files *fileStream // in place of the connection; nil for none
}

// Files is where the log is read if the server does not send it; nil if it does.
func (s *Stream) Files() *Files {
	if s.files == nil {
		return nil
	}
	return s.files.files
}

// ServerError is an error packet that the server sends instead of an event.
type ServerError struct {
	Code    uint16
	Message string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("the server ends the dump: error %d: %s", e.Code, e.Message)
}

// NotFound reports whether the server does not have the requested log position.
func (e *ServerError) NotFound() bool { return e.Code == errNoPlace }

// Dump requests a server's binlog from a position on. id is our server id and must be
// unique among its replicas. Without follow the stream ends at the end of the log. If the
// user lacks the right to receive it, it is read from the server's files, where FindFiles
// finds them.
func Dump(ctx context.Context, t mysql.Target, file string, pos uint64, id uint32, follow bool) (*Stream, error) {
	s, err := dump(ctx, t, file, pos, id, follow)
	if !LacksRight(err) {
		return s, err
	}
	s, why := dumpFiles(ctx, t, file, pos, follow)
	if why != nil {
		return nil, fmt.Errorf("%w; %w", err, why)
	}
	return s, nil
}

// LacksRight reports whether the server refuses its log because of a missing privilege: an
// error that comes after the login.
func LacksRight(err error) bool {
	var server *ServerError
	return errors.As(err, &server) && (server.Code == mysql.ErrSpecificAccess || server.Code == mysql.ErrAccessDenied)
}

func dump(ctx context.Context, t mysql.Target, file string, pos uint64, id uint32, follow bool) (*Stream, error) {
	s, err := login(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, file, pos, id, follow); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func login(ctx context.Context, t mysql.Target) (*Stream, error) {
	if t.TLS == nil && !t.NoTLS && mysql.Loopback(t) {
		plain := t
		plain.NoTLS = true
		if s, err := loginAs(ctx, plain); err == nil {
			return s, nil
		}
	}
	s, err := loginAs(ctx, t)
	if errors.Is(err, errNoTLS) && t.TLS == nil {
		t.NoTLS = true
		return loginAs(ctx, t)
	}
	return s, err
}

// loginAs logs in with the driver and takes over its connection.
func loginAs(ctx context.Context, t mysql.Target) (*Stream, error) {
	c := t.Config("")
	secure := c.TLS
	if secure == nil && c.TLSConfig == "preferred" {
		secure = &tls.Config{InsecureSkipVerify: true}
	}
	c.TLS, c.TLSConfig = nil, ""
	s := &Stream{}
	network, addr := c.Net, c.Addr
	if secure != nil {
		secure = secure.Clone()
		if host, _, err := net.SplitHostPort(addr); err == nil && secure.ServerName == "" {
			secure.ServerName = host
		}
		// The driver must consider the connection safe, which it is: see upgrade.
		c.Net = "unix"
	}
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		raw, err := t.DialLine(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		raw.SetDeadline(time.Now().Add(silence))
		s.raw = raw
		if secure != nil {
			s.raw = &upgrade{Conn: raw, config: secure}
		}
		return s.raw, nil
	}
	connector, err := mysql.Connector(c)
	if err != nil {
		return nil, err
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		s.db.Close()
		if u, ok := s.raw.(*upgrade); ok && u.noTLS { // the driver does not report it
			return nil, errNoTLS
		}
		return nil, mysql.Explain(err, t)
	}
	return s, nil
}

func (s *Stream) begin(ctx context.Context, file string, pos uint64, id uint32, follow bool) error {
	nanos := heartbeat.Nanoseconds()
	for _, q := range []string{
		"SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'",
		fmt.Sprintf("SET @master_heartbeat_period = %d, @source_heartbeat_period = %d", nanos, nanos),
		"SET @mariadb_slave_capability = 4",
		fmt.Sprintf("SET @slave_uuid = '%s', @replica_uuid = '%s'", replicaUUID(id), replicaUUID(id)),
		"SET net_write_timeout = 600",
	} {
		if _, err := s.conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("prepare the dump: %w", err)
		}
	}
	var version string
	if err := s.conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return fmt.Errorf("prepare the dump: %w", err)
	}
	s.in = bufio.NewReaderSize(patient{s.raw, ctx}, 256<<10)
	s.stop = context.AfterFunc(ctx, func() { s.raw.SetDeadline(time.Unix(1, 0)) })
	if err := s.register(id); err != nil {
		return err
	}
	flags := uint16(0)
	if !follow {
		flags |= dumpNonBlock
	}
	if strings.Contains(strings.ToLower(version), "mariadb") {
		flags |= dumpAnnotations
		if pos > math.MaxUint32 { // no command has room for such a position
			s.from = pos
			s.at = 4
			pos = 4
		}
	}
	return s.command(dumpCommand(file, pos, id, flags))
}

// replicaUUID identifies us among the server's replicas. The server ends a leftover
// connection with the same id.
func replicaUUID(id uint32) string { return fmt.Sprintf("6f707364-6563-4b00-8000-0000%08x", id) }

// ReaderName is the host name that our readers report to the server's list of replicas.
const ReaderName = "opsdeck"

func (s *Stream) register(id uint32) error {
	b := []byte{comRegisterSlave}
	b = binary.LittleEndian.AppendUint32(b, id)
	b = append(b, byte(len(ReaderName)))
	b = append(b, ReaderName...)
	b = append(b, 0, 0, 0, 0) // empty user, password and port
	b = append(b, make([]byte, 8)...)
	if err := s.command(b); err != nil {
		return err
	}
	_, err := s.packet()
	return err
}

// dumpCommand requests the log by position. Only the GTID form has room for a position
// beyond 4 GiB; its GTID set stays empty.
func dumpCommand(file string, pos uint64, id uint32, flags uint16) []byte {
	if pos <= 1<<32-1 {
		b := []byte{comBinlogDump}
		b = binary.LittleEndian.AppendUint32(b, uint32(pos))
		b = binary.LittleEndian.AppendUint16(b, flags)
		b = binary.LittleEndian.AppendUint32(b, id)
		return append(b, file...)
	}
	b := []byte{comBinlogDumpGTID}
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(file)))
	b = append(b, file...)
	b = binary.LittleEndian.AppendUint64(b, pos)
	b = binary.LittleEndian.AppendUint32(b, 8) // length of the set; number of servers in it
	return binary.LittleEndian.AppendUint64(b, 0)
}

func (s *Stream) command(payload []byte) error {
	n := len(payload)
	s.raw.SetWriteDeadline(time.Now().Add(silence))
	_, err := s.raw.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), 0}, payload...))
	if err != nil {
		return fmt.Errorf("request the binlog: %w", err)
	}
	return nil
}

// patient is a connection on which each read may take as long as silence, and none begins
// after ctx ended.
type patient struct {
	net.Conn
	ctx context.Context
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// packet reads one packet, which may arrive in several parts.
func (s *Stream) packet() ([]byte, error) {
	var out []byte
	for {
		var head [4]byte
		if _, err := io.ReadFull(s.in, head[:]); err != nil {
			return nil, fmt.Errorf("read the binlog: %w", broken(err))
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		var err error
		if out, err = readSized(s.in, out, n); err != nil {
			return nil, fmt.Errorf("read the binlog: %w", broken(err))
		}
		if n < 0xffffff {
			return out, serverError(out)
		}
	}
}

// broken converts the error of a closed connection: it is not the end of the log, which
// the server reports in a packet.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func serverError(packet []byte) error {
	if len(packet) == 0 {
		return fmt.Errorf("%w: an empty packet", ErrDamaged)
	}
	switch packet[0] {
	case 0xff:
		e := &ServerError{}
		if len(packet) >= 3 {
			e.Code = binary.LittleEndian.Uint16(packet[1:])
			e.Message = string(packet[min(9, len(packet)):])
		}
		return e
	case 0xfe:
		if len(packet) < 9 {
			return io.EOF
		}
	}
	return nil
}

// Next returns the next event; the caller may keep the bytes. io.EOF is the end of the
// log.
func (s *Stream) Next(ctx context.Context) ([]byte, error) {
	if s.files != nil {
		return s.files.next(ctx)
	}
	for {
		p, err := s.packet()
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		}
		if p[0] != 0 {
			return nil, fmt.Errorf("%w: a packet of the unknown kind %d", ErrDamaged, p[0])
		}
		if skip, err := s.before(p[1:]); !skip || err != nil {
			return p[1:], err
		}
	}
}

// before reports whether an event precedes the requested position, if the server cannot
// start there. The format description is always passed on.
func (s *Stream) before(raw []byte) (bool, error) {
	if s.at >= s.from {
		return false, nil
	}
	e, _, err := parseHeader(raw)
	if err != nil || e.Artificial() || e.Type == TypeHeartbeat {
		return false, err
	}
	if s.at += uint64(len(raw)); s.at > s.from {
		return false, fmt.Errorf("%w: no event begins at %d", ErrDamaged, s.from)
	}
	return e.Type != TypeFormat, nil
}

// Close ends the connection.
func (s *Stream) Close() error {
	if s.files != nil {
		return s.files.close()
	}
	if s.stop != nil {
		s.stop()
	}
	if s.raw != nil {
		s.raw.Close()
	}
	// The driver finds its connection closed; the server needs no message.
	s.conn.Close()
	return errors.Join(s.db.Close())
}
