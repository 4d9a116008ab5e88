// Package binarchive archives a server's binlog: each log file is compressed in frames of
// whole events, with an index file and a line in a manifest. It follows a server as a
// replica does, reads the archive, and verifies it.
package binarchive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"opsdeck/ops/binlog"
)

// ErrSealed reports that a frame is encrypted and no available key decrypts it.
var ErrSealed = errors.New("the archive is encrypted, and no available key decrypts it")

// ErrDamaged reports that the archive differs from what was written.
var ErrDamaged = errors.New("damaged archive")

// packer compresses frames, and encrypts them if it has recipients. Each frame is a
// separate age file, so the archive can be continued after a crash.
type packer struct {
	zstd *zstd.Encoder
	to   []age.Recipient
	out  []byte
}

func newPacker(recipients []string) (*packer, error) {
	p := &packer{}
	for _, r := range recipients {
		to, err := age.ParseX25519Recipient(r)
		if err != nil {
			return nil, fmt.Errorf("recipient %q: %w", r, err)
		}
		p.to = append(p.to, to)
	}
	var err error
	p.zstd, err = zstd.NewWriter(
		nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true),
	)
	return p, err
}

// pack returns the stored form of a frame, valid until the next call.
func (p *packer) pack(raw []byte) ([]byte, error) {
	p.out = p.zstd.EncodeAll(raw, p.out[:0])
	if len(p.to) == 0 {
		return p.out, nil
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, p.to...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(p.out); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return sealed.Bytes(), nil
}

// unpacker decrypts and decompresses frames.
type unpacker struct {
	zstd *zstd.Decoder
	keys []age.Identity
}

func newUnpacker(keys []age.Identity) (*unpacker, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return &unpacker{zstd: d, keys: keys}, err
}

// unpack verifies a frame's hash and returns its events.
func (u *unpacker) unpack(f *binlog.Frame, data []byte, encrypted bool, into []byte) ([]byte, error) {
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, fmt.Errorf("%w: the hash of the frame at %d does not match", ErrDamaged, f.Offset)
	}
	if encrypted {
		if len(u.keys) == 0 {
			return nil, ErrSealed
		}
		r, err := age.Decrypt(bytes.NewReader(data), u.keys...)
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, ErrSealed
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if data, err = io.ReadAll(r); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	raw, err := u.zstd.DecodeAll(data, into[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: the frame at %d: %w", ErrDamaged, f.Offset, err)
	}
	if int64(len(raw)) != f.RawBytes {
		return nil, fmt.Errorf("%w: the frame at %d has %d bytes, not %d", ErrDamaged, f.Offset, len(raw), f.RawBytes)
	}
	return raw, nil
}
