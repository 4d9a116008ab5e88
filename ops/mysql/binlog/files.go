package binlog

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Files are a server's own binlog files, where they can be read: they take the place of the
// connection if the user lacks the right to receive the log (REPLICATION SLAVE). The server
// still tells by SQL which files there are and where the log ends.
type Files struct {
	Dir       string // of the log files, on this machine or in the container
	Container string // of Docker; "" for this machine
	own       facts
}

// facts are what a server says of itself, to be compared with its files.
type facts struct {
	uuid, host, version string
	base, datadir       string
	now                 Log
}

// FilesError tells why a server's files cannot take the place of the connection.
type FilesError struct{ Why lang.Msg }

func (e *FilesError) Error() string { return e.Why.String() }

func noFiles(why lang.Msg) error { return &FilesError{why} }

// String names the place.
func (f *Files) String() string {
	if f.Container != "" {
		return f.Container + ":" + f.Dir
	}
	return f.Dir
}

// FindFiles finds a server's binlog files on this machine, or in the container that is
// configured for it, and proves that they are this server's. The error is a *FilesError if
// they cannot be read.
func FindFiles(ctx context.Context, t mysql.Target) (*Files, error) {
	own, err := factsOf(ctx, t)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(own.base)
	var tries []*Files
	if t.Container != "" {
		if here := mysql.HostFolder(ctx, t.Container, dir); here != "" {
			tries = append(tries, &Files{Dir: here})
		}
		tries = append(tries, &Files{Dir: dir, Container: t.Container})
	}
	if mysql.Loopback(t) || t.Container == "" {
		tries = append(tries, &Files{Dir: dir})
	}
	var first error
	for _, f := range tries {
		f.own = own
		err := f.prove(ctx, t)
		if err == nil {
			return f, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if first == nil || f.Container == "" {
			first = err
		}
	}
	return nil, first
}

func factsOf(ctx context.Context, t mysql.Target) (facts, error) {
	db, err := mysql.Open(ctx, t, "")
	if err != nil {
		return facts{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := schema.All(ctx, db, "SELECT VERSION(), @@GLOBAL.hostname, @@GLOBAL.datadir, "+
		"COALESCE(@@GLOBAL.log_bin_basename, '')")
	if err != nil {
		return facts{}, mysql.Explain(err, t)
	}
	f := facts{version: rows[0][0], host: rows[0][1], datadir: rows[0][2], base: rows[0][3]}
	if f.base == "" {
		return f, noFiles(lang.M("the server does not tell where its log files are"))
	}
	if !filepath.IsAbs(f.base) {
		f.base = filepath.Join(f.datadir, f.base)
	}
	for _, name := range []string{"binlog_encryption", "encrypt_binlog"} { // MySQL, MariaDB
		if on, err := schema.One(ctx, db, "SELECT @@GLOBAL."+name); err == nil && on == "1" {
			return f, errEncrypted
		}
	}
	if !strings.Contains(strings.ToLower(f.version), "mariadb") {
		if f.uuid, err = schema.One(ctx, db, "SELECT @@GLOBAL.server_uuid"); err != nil {
			return f, mysql.Explain(err, t)
		}
	}
	s := &Server{}
	if err := s.status(ctx, db); err != nil {
		return f, mysql.Explain(err, t)
	}
	f.now = s.Now
	return f, nil
}

var errEncrypted error = &FilesError{lang.M("the server encrypts its log files: only the connection can read them")}

// prove compares the files with what the server says. MySQL's data folder has its UUID.
// MariaDB has none: the machine must have the server's host name. The end of the log must be
// the end of an event in the file of that name.
func (f *Files) prove(ctx context.Context, t mysql.Target) error {
	if f.Container == "" && !mysql.Loopback(t) && !f.sameHost(ctx) {
		return noFiles(lang.M("the server runs on another machine, %s", f.own.host))
	}
	if f.own.uuid == "" {
		if !f.sameHost(ctx) {
			return noFiles(lang.M("the server has another host name, %s", f.own.host))
		}
	} else if err := f.sameUUID(ctx, t); err != nil {
		return err
	}
	in, err := f.open(ctx, f.own.now.File)
	if err != nil {
		return err
	}
	defer in.Close()
	format, err := f.head(bufio.NewReader(in))
	if err != nil {
		return err
	}
	e := Event{Raw: format}
	own, err := parseFormat(&e)
	if err != nil {
		return err
	}
	if own.Server != f.own.version[:min(50, len(f.own.version))] {
		return noFiles(lang.M("%s is the log of another server, %s", f.own.now.File, own.Server))
	}
	return f.endsThere()
}

func (f *Files) sameHost(ctx context.Context) bool {
	host, err := os.Hostname()
	if f.Container != "" {
		host, err = containerHost(ctx, f.Container)
	}
	return err == nil && host == f.own.host
}

// sameUUID compares the UUID in the data folder.
func (f *Files) sameUUID(ctx context.Context, t mysql.Target) error {
	data := &Files{Dir: f.own.datadir, Container: f.Container}
	if f.Container == "" && f.Dir != filepath.Dir(f.own.base) { // it is the folder of a container
		data.Dir = mysql.HostFolder(ctx, t.Container, f.own.datadir)
	}
	in, err := data.open(ctx, "auto.cnf")
	if err != nil {
		return err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, 1<<16))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(name) == "server-uuid" && strings.EqualFold(strings.TrimSpace(value), f.own.uuid) {
			return nil
		}
	}
	return noFiles(lang.M("the data folder %s belongs to another server", data.String()))
}

// endsThere checks that an event of the current file ends where the server says that its log
// does. In a container that would need the whole file; there, the stream finds it.
func (f *Files) endsThere() error {
	if f.Container != "" {
		return nil
	}
	in, err := regular.Open(filepath.Join(f.Dir, f.own.now.File))
	if err != nil {
		return unreadable(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return unreadable(err)
	}
	end := int64(f.own.now.Pos)
	other := noFiles(lang.M("%s is not the log file of this server", filepath.Join(f.Dir, f.own.now.File)))
	if info.Size() < end {
		return other
	}
	head := make([]byte, headerSize)
	if n, _ := in.ReadAt(head, end); n < headerSize {
		return nil // it ends there, or the server is writing
	}
	e, size, err := parseHeader(head)
	if err != nil || e.LogPos != uint32(end)+size {
		return other
	}
	return nil
}

// head reads the magic and the format description at the start of a file.
func (f *Files) head(in *bufio.Reader) ([]byte, error) {
	start := make([]byte, len(Magic))
	if _, err := io.ReadFull(in, start); err != nil {
		return nil, unreadable(err)
	}
	if string(start) != string(Magic) {
		if string(start[1:]) == string(Magic[1:]) {
			return nil, errEncrypted
		}
		return nil, fmt.Errorf("%w: no log file", ErrDamaged)
	}
	raw, err := nextRaw(in, uint64(len(Magic)))
	if err != nil {
		return nil, unreadable(err)
	}
	if Type(raw[4]) != TypeFormat {
		return nil, fmt.Errorf("%w: a log file without a format", ErrDamaged)
	}
	raw[inUseAt] &^= flagInUse
	return raw, nil
}

// nextRaw reads the next event as it is stored, at a position of its file.
func nextRaw(in *bufio.Reader, pos uint64) ([]byte, error) {
	head, err := in.Peek(headerSize)
	if err != nil {
		return nil, err
	}
	e, size, err := parseHeader(head)
	if err != nil {
		return nil, err
	}
	if size > largest || e.LogPos != 0 && e.LogPos != uint32(pos)+size {
		return nil, fmt.Errorf("%w: no event begins at %d", ErrDamaged, pos)
	}
	return readSized(in, make([]byte, 0, size), int(size))
}

// open opens a file in the folder, for reading from its start.
func (f *Files) open(ctx context.Context, name string) (io.ReadCloser, error) {
	path := filepath.Join(f.Dir, name)
	if f.Container != "" {
		return copyOut(ctx, f.Container, path)
	}
	in, err := regular.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	return in, nil
}

func unreadable(err error) error {
	var known *FilesError
	if errors.As(err, &known) || errors.Is(err, ErrDamaged) {
		return err
	}
	return noFiles(lang.M("its log files cannot be read: %s", err.Error()))
}

// rotation is the event by which a server names the file of the next events in a stream.
func rotation(file string, pos uint64) []byte {
	b := make([]byte, headerSize, headerSize+8+len(file)+checksumSize)
	b[4] = byte(TypeRotate)
	binary.LittleEndian.PutUint32(b[9:], uint32(cap(b)))
	binary.LittleEndian.PutUint16(b[17:], flagArtificial)
	b = binary.LittleEndian.AppendUint64(b, pos)
	b = append(b, file...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}
