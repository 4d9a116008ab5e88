package dump

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/rowgzip"
	"opsdeck/ops/backup"
)

// file is the backup being written: members are appended one after the other, from any
// goroutine. Offsets refer to the compressed text, before encryption.
type file struct {
	mu      sync.Mutex
	name    string
	out     *atomicfile.File // nil if the bytes go elsewhere
	to      io.Writer
	seal    io.WriteCloser // encryption; nil for none
	sum     hash.Hash      // of the file's bytes
	size    int64          // of the file
	flushed int64
	offset  int64 // of the next member
	raw     int64
	members []backup.Member
	packers sync.Pool
}

// createFile creates the file path, or with opts.Out the stream that goes there.
func createFile(path string, opts Options) (*file, error) {
	f := &file{name: path, sum: sha256.New(), to: opts.Out}
	f.packers.New = func() any { return newPacker(opts.Compress) }
	to, err := parseRecipients(opts.Recipients)
	if err != nil {
		return nil, err
	}
	if f.to == nil {
		if f.out, err = atomicfile.Create(path, 0o600); err != nil {
			return nil, err
		}
		f.to = f.out
		// The lock shows anyone who cleans the folder that the file is in use; it ends with the
		// process. A file system without locks is acceptable here.
		for range 100 {
			if err := unix.Flock(int(f.out.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
				break
			}
			time.Sleep(time.Millisecond) // another process is checking whether it is in use
		}
	}
	if len(to) > 0 {
		if f.seal, err = age.Encrypt(sink{f}, to...); err != nil {
			f.abort()
			return nil, fmt.Errorf("encrypt: %w", err)
		}
	}
	return f, nil
}

// abort removes everything from this machine.
func (f *file) abort() {
	if f.out != nil {
		f.out.Abort()
	}
}

func parseRecipients(keys []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, k := range keys {
		r, err := age.ParseX25519Recipient(k)
		if err != nil {
			return nil, fmt.Errorf("recipient %q: %w", k, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// sink is the file itself, where bytes are counted and hashed.
type sink struct{ f *file }

// writeback is the number of bytes after which the kernel is asked to start writing them,
// so that the final fsync has little left to do.
const writeback = 16 << 20

func (s sink) Write(p []byte) (int, error) {
	n, err := s.f.to.Write(p)
	s.f.sum.Write(p[:n])
	s.f.size += int64(n)
	if s.f.out != nil && s.f.size-s.f.flushed >= writeback {
		beginWriteback(s.f.out.File, s.f.flushed, s.f.size-s.f.flushed)
		s.f.flushed = s.f.size
	}
	return n, err
}

// add compresses text as a member and appends it.
func (f *file) add(m backup.Member, text []byte) error {
	p := f.packers.Get().(packer)
	defer f.packers.Put(p)
	data, err := p.pack(text)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(data)
	m.Length, m.RawLength, m.SHA256 = int64(len(data)), int64(len(text)), hex.EncodeToString(digest[:])
	f.mu.Lock()
	defer f.mu.Unlock()
	m.Offset = f.offset
	var w io.Writer = sink{f}
	if f.seal != nil {
		w = f.seal
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	f.offset += m.Length
	f.raw += m.RawLength
	f.members = append(f.members, m)
	return nil
}

// finish completes the file, except for its name.
func (f *file) finish(m *backup.Manifest) error {
	if f.seal != nil {
		if err := f.seal.Close(); err != nil {
			return fmt.Errorf("encrypt: %w", err)
		}
	}
	m.Members, m.SizeBytes, m.RawBytes, m.SHA256 = f.members, f.size, f.raw, hex.EncodeToString(f.sum.Sum(nil))
	m.Encrypted = f.seal != nil
	if f.out == nil {
		return nil
	}
	return f.out.Sync()
}

// packer compresses one member. The result is valid until the next call.
type packer interface {
	pack(text []byte) ([]byte, error)
}

func newPacker(compress string) packer {
	if compress == "zstd" {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // fixed options
		}
		return &zstdPacker{e: e}
	}
	return &gzipPacker{}
}

type gzipPacker struct {
	e   rowgzip.Encoder
	out []byte
}

func (g *gzipPacker) pack(text []byte) ([]byte, error) {
	g.out = g.e.Append(g.out[:0], text)
	return g.out, nil
}

type zstdPacker struct {
	e   *zstd.Encoder
	out []byte
}

func (z *zstdPacker) pack(text []byte) ([]byte, error) {
	z.out = z.e.EncodeAll(text, z.out[:0])
	return z.out, nil
}
