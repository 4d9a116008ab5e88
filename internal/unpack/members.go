package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Tar opens the tar archive that a file is, compressed or not; it is nil where the file is
// something else. What the closer closes is needed while the archive is read.
func Tar(r io.Reader) (*tar.Reader, io.Closer, error) {
	opened := &layers{}
	in := bufio.NewReaderSize(r, 64<<10)
	for range mostLayers {
		head, err := in.Peek(headBytes)
		switch {
		case isTar(head):
			return tar.NewReader(in), opened, nil
		case err != nil && !errors.Is(err, io.EOF):
			opened.Close()
			return nil, nil, err
		case !compressed(head):
			opened.Close()
			return nil, nil, nil
		}
		next, err := opened.open(in, head)
		if err != nil {
			opened.Close()
			return nil, nil, err
		}
		in = bufio.NewReaderSize(next, 64<<10)
	}
	opened.Close()
	return nil, nil, fmt.Errorf("the file is packed more than %d times", mostLayers)
}

// IsZip tells by the first bytes of a file whether it is a zip archive.
func IsZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// isTar tells whether a text begins as a tar archive does.
func isTar(head []byte) bool { return len(head) >= 263 && string(head[257:262]) == "ustar" }

// compressed tells whether a file is compressed, and no archive itself.
func compressed(head []byte) bool {
	return !IsZip(head) && !isTar(head) && Packed(head) && known(head) == nil
}
