package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/unpack"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Source is a dump in a file.
type Source struct {
	Path     string
	Manifest *backup.Manifest // nil: a foreign dump, or the manifest is lost

	file  io.ReaderAt // decrypted
	size  int64       // decrypted
	close func() error

	stored io.ReaderAt // as stored, possibly encrypted
}

// Open opens a dump. It reads and checks a manifest next to it; a backup without a
// manifest is a foreign dump. identities decrypt an encrypted file.
func Open(path string, identities ...age.Identity) (*Source, error) {
	m, err := backup.ReadManifest(path)
	if err != nil && !errors.Is(err, backup.ErrNoManifest) {
		return nil, err
	}
	f, err := regular.Open(path)
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the backup cannot be opened"))
	}
	s := &Source{Path: path, Manifest: m, file: f, stored: f, close: f.Close}
	if err := s.prepare(f, identities); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *Source) prepare(f *os.File, identities []age.Identity) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ops.E(ops.Failed, lang.M("%s is not a plain file", s.Path))
	}
	s.size = info.Size()
	if s.Manifest != nil && s.Manifest.SizeBytes != s.size {
		return ops.E(
			ops.Failed,
			lang.M("the backup is damaged: it has %d bytes, its manifest says %d", s.size, s.Manifest.SizeBytes),
		)
	}
	head := make([]byte, len(ageHead))
	if n, _ := f.ReadAt(head, 0); string(head[:n]) != ageHead {
		return nil
	}
	if len(identities) == 0 {
		return ops.E(ops.Config, lang.M("the backup is encrypted")).
			WithHint(lang.M("name the age key file that decrypts it"))
	}
	s.file, s.size, err = age.DecryptReaderAt(f, s.size, identities...)
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the backup cannot be decrypted")).
			WithHint(lang.M("set backup.identity to the age key file"))
	}
	return nil
}

const ageHead = "age-encryption.org/v1\n"

// Close closes the file.
func (s *Source) Close() error { return s.close() }

// proven returns the hash of the whole file. If there is a manifest, it compares the
// hash with it.
func (s *Source) proven(ctx context.Context) (string, error) {
	sum := sha256.New()
	buf := make([]byte, 1<<20)
	for off := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := s.stored.ReadAt(buf, off)
		sum.Write(buf[:n])
		off += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", ops.Wrap(err, ops.Failed, lang.M("the backup cannot be read"))
		}
	}
	found := hex.EncodeToString(sum.Sum(nil))
	if s.Manifest != nil && found != s.Manifest.SHA256 {
		return "", damaged(errors.New("the hash of the file differs from its manifest's"))
	}
	return found, nil
}

// Text returns the whole dump as decompressed SQL text.
func (s *Source) Text() (io.ReadCloser, error) {
	raw := io.NewSectionReader(s.file, 0, s.size)
	return plain(raw)
}

// plain decompresses the file; its first bytes tell the format.
func plain(r io.ReaderAt) (io.ReadCloser, error) {
	text, err := unpack.Reader(io.NewSectionReader(r, 0, 1<<62))
	var named *unpack.FormatError
	switch {
	case errors.As(err, &named):
		return nil, ops.Wrap(err, ops.Failed, lang.M("the file is not SQL text: it is %s", named.Format)).
			WithHint(lang.M("unpack or convert it to SQL text first, and name that file"))
	case errors.Is(err, unpack.ErrSeveral), errors.Is(err, unpack.ErrEmpty):
		return nil, severalFiles(err)
	}
	return text, err
}

// severalFiles explains what to do with an archive of several files.
func severalFiles(err error) error {
	return ops.Wrap(err, ops.Failed, lang.M("the archive must contain exactly one file")).
		WithHint(lang.M("unpack it, and name the file of SQL text inside"))
}

// unpacker reads members one after another and reuses its buffers and decoders.
type unpacker struct {
	src  *Source
	raw  []byte
	gz   *gzip.Reader
	zst  *zstd.Decoder
	seen bytes.Reader
}

func newUnpacker(src *Source) *unpacker { return &unpacker{src: src} }

func (u *unpacker) close() {
	if u.zst != nil {
		u.zst.Close()
	}
}

// damage returns the error for a damaged member.
func damage(m backup.Member, format string, args ...any) error {
	return ops.Wrap(
		fmt.Errorf(format, args...),
		ops.Failed,
		lang.M("the backup is damaged at byte %d (%s %s)", m.Offset, m.Kind, m.Object),
	)
}

// member appends the text of a member to dst, after checking its hash.
func (u *unpacker) member(ctx context.Context, dst []byte, m backup.Member) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Length > u.src.size-m.Offset || m.Length <= 0 || m.Offset < 0 {
		return nil, damage(m, "%d bytes at %d of a file of %d", m.Length, m.Offset, u.src.size)
	}
	if int64(cap(u.raw)) < m.Length {
		u.raw = make([]byte, m.Length)
	}
	u.raw = u.raw[:m.Length]
	if n, err := u.src.file.ReadAt(u.raw, m.Offset); int64(n) < m.Length {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the backup cannot be read"))
	}
	if sum := sha256.Sum256(u.raw); hex.EncodeToString(sum[:]) != m.SHA256 {
		return nil, damage(m, "the hash differs")
	}
	r, err := u.decoder(m)
	if err != nil {
		return nil, err
	}
	at := int64(len(dst))
	dst = grow(dst, int(m.RawLength)+1)
	n, err := io.ReadFull(r, dst[at:at+m.RawLength+1])
	if int64(n) != m.RawLength || err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, damage(m, "%d bytes of text, %d expected (%v)", n, m.RawLength, err)
	}
	return dst[:at+m.RawLength], nil
}

func (u *unpacker) decoder(m backup.Member) (r io.Reader, err error) {
	u.seen.Reset(u.raw)
	if u.src.Manifest.Compression == "zstd" {
		if u.zst == nil {
			u.zst, err = zstd.NewReader(&u.seen, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		} else {
			err = u.zst.Reset(&u.seen)
		}
		r = u.zst
	} else {
		if u.gz == nil {
			u.gz, err = gzip.NewReader(&u.seen)
		} else {
			err = u.gz.Reset(&u.seen)
		}
		r = u.gz
	}
	if err != nil {
		return nil, damage(m, "%v", err)
	}
	return r, nil
}

// grow returns dst with its length increased by n bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) < n {
		dst = append(make([]byte, 0, len(dst)+n), dst...)
	}
	return dst[:len(dst)+n]
}
