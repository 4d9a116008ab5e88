// Package regular opens the files that an operator names or keeps: configuration, secrets,
// backups, manifests, logs. A pipe, a device or a socket of that name is refused at once: to
// open a pipe waits for who writes into it, and a device may never end.
package regular

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// errOther is the error of what is there and is no regular file.
var errOther = errors.New("not a regular file (a pipe, a device, a socket or a folder)")

// IsOther tells whether an error says that something is there which is no regular file.
func IsOther(err error) bool { return errors.Is(err, errOther) }

// Open opens a file to read it. It does not wait for what a pipe or a device may bring; the
// error for these is an fs.PathError with errOther.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.ENXIO) { // a socket
		return nil, &fs.PathError{Op: "open", Path: path, Err: errOther}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errOther}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile is os.ReadFile for what Open opens.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
