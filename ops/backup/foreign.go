package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"

	"opsdeck/internal/pattern"
	"opsdeck/internal/unpack"
)

// tailWindow is how many bytes at a dump's end are searched for its last line.
const tailWindow = 64 << 10

var (
	ageMagic = []byte("age-encryption.org/")
)

// foreign verifies a file without a manifest as far as possible without loading it.
func (v *verification) foreign() (Check, error) {
	sum := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(reading{v}, sum), blockSize)
	head, _ := in.Peek(len(ageMagic))
	if bytes.HasPrefix(head, ageMagic) {
		_, err := io.Copy(io.Discard, in)
		return Check{SHA256: sumOf(sum), Problems: []Problem{problem(Locked)}}, err
	}
	text, err := unpack.Reader(in)
	if err != nil {
		return Check{Problems: []Problem{damage(err)}}, v.ctx.Err()
	}
	defer text.Close()
	var d dumpText
	if _, err := io.CopyBuffer(&d, onlyReader{text}, make([]byte, blockSize)); err != nil {
		return Check{Problems: []Problem{damage(err)}}, v.ctx.Err()
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return Check{Problems: []Problem{damage(err)}}, v.ctx.Err()
	}
	check := Check{SHA256: sumOf(sum), Inside: d.database()}
	switch {
	case d.size == 0:
		check.Problems = append(check.Problems, problem(Empty))
	case !completed(d.tail):
		check.Problems = append(check.Problems, problem(NoTrailer))
	}
	return check, v.ctx.Err()
}

func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func damage(err error) Problem {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return problem(CutShort)
	}
	return problem(Damaged, reason(err))
}

// reading counts the bytes read and stops when the context is cancelled.
type reading struct{ v *verification }

func (r reading) Read(p []byte) (int, error) {
	if err := r.v.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.v.f.Read(p)
	r.v.done += int64(n)
	r.v.tell()
	return n, err
}

type onlyReader struct{ io.Reader }

// expand decompresses a small part completely.
func expand(r io.Reader) ([]byte, error) {
	z, err := unpack.Reader(r)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(io.LimitReader(z, 16<<20))
}

// completed tells whether a dump's last line is "-- Dump completed", with or without a
// date.
func completed(tail []byte) bool {
	tail = bytes.TrimRight(tail, " \t\r\n;")
	last := tail[bytes.LastIndexByte(tail, '\n')+1:]
	return bytes.HasPrefix(last, []byte("-- Dump completed"))
}

// dumpText keeps the beginning and the end of a streamed dump, and the first database
// that it selects.
type dumpText struct {
	size int64
	head []byte
	tail []byte
}

func (d *dumpText) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	if room := tailWindow - len(d.head); room > 0 {
		d.head = append(d.head, p[:min(room, len(p))]...)
	}
	if len(p) >= tailWindow {
		d.tail = append(d.tail[:0], p[len(p)-tailWindow:]...)
		return len(p), nil
	}
	if over := len(d.tail) + len(p) - tailWindow; over > 0 {
		d.tail = append(d.tail[:0], d.tail[over:]...)
	}
	d.tail = append(d.tail, p...)
	return len(p), nil
}

var (
	useLine  = pattern.New("(?m)^USE `((?:[^`]|``)+)`;")
	hostLine = pattern.New(`(?m)^-- Host: \S*\s+Database: ([^\r\n]+)$`)
)

// database is the database that the dump first fills: from its USE, else from the
// comment at the top of a mysqldump file; "" when neither is there.
func (d *dumpText) database() string {
	if m := useLine.FindSubmatch(d.head); m != nil {
		return strings.ReplaceAll(string(m[1]), "``", "`")
	}
	if m := hostLine.FindSubmatch(d.head); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return ""
}
