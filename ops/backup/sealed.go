package backup

import (
	"errors"
	"fmt"
	"io"
)

// Unseal opens an encrypted stream. ErrSealed is for one that it has no key to;
// any other error says that the stream is damaged.
type Unseal func(io.Reader) (io.Reader, error)

// ErrSealed says that no key at hand opens a backup.
var ErrSealed = errors.New("no key at hand opens it")

// ErrNotOpened says that a key is configured and is not one of those that the backup
// was encrypted to.
var ErrNotOpened = fmt.Errorf("not encrypted to the configured key: %w", ErrSealed)

// sealedMembers proves the members of an encrypted file: what is written to it
// is decrypted on the way.
type sealedMembers struct {
	in   *io.PipeWriter
	done chan error
}

func newSealedMembers(unseal Unseal, members io.Writer) *sealedMembers {
	out, in := io.Pipe()
	s := &sealedMembers{in: in, done: make(chan error, 1)}
	go func() {
		plain, err := unseal(out)
		if err == nil {
			_, err = io.CopyBuffer(members, plain, make([]byte, 256<<10))
		}
		io.Copy(io.Discard, out) // the file's own hash wants all of it
		s.done <- err
	}()
	return s
}

func (s *sealedMembers) Write(p []byte) (int, error) { return s.in.Write(p) }

// end waits for the last byte. err is why the text could not be read to its end.
func (s *sealedMembers) end() error {
	s.in.Close()
	return <-s.done
}
