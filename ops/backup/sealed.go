package backup

import (
	"errors"
	"fmt"
	"io"
)

// Unseal decrypts a stream. errSealed means that it has no key for it; any other error
// means that the stream is damaged.
type Unseal func(io.Reader) (io.Reader, error)

// errSealed says that no available key decrypts a backup.
var errSealed = errors.New("no available key decrypts it")

// ErrNotOpened says that a key is configured, but the backup was not encrypted to it.
var ErrNotOpened = fmt.Errorf("not encrypted to the configured key: %w", errSealed)

// sealedMembers verifies the members of an encrypted file: it decrypts what is written
// to it.
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
		io.Copy(io.Discard, out) // the hash of the file needs all of it
		s.done <- err
	}()
	return s
}

func (s *sealedMembers) Write(p []byte) (int, error) { return s.in.Write(p) }

// end waits for the last byte. err is why the text could not be read completely.
func (s *sealedMembers) end() error {
	s.in.Close()
	return <-s.done
}
