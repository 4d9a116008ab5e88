// Package jsonl keeps records in a file, one JSON document a line. Several
// processes may append to it at once, and a crash in the middle of a line costs
// that line alone.
package jsonl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/internal/trust"
)

// longest is the longest line that is read, in bytes; a longer one is damaged.
const longest = 1 << 20

// Append adds a record, durably, and makes the file and its folder where they
// are missing.
func Append(path string, record any) error {
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode a record for %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := trust.Open(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := lock.Wait(context.Background(), f, unix.LOCK_EX); err != nil {
		return err
	}
	if torn(f) {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// torn tells that a crash cut the last line.
func torn(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Each calls take with every record, oldest first. A file that is missing holds
// none; a damaged line is left out.
func Each[T any](path string, take func(T)) error {
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var line []byte
	for err == nil {
		line, err = next(in, line[:0])
		var record T
		if len(line) > 0 && json.Unmarshal(line, &record) == nil {
			take(record)
		}
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// next reads a line into line; one that is too long is read to its end and comes back empty.
func next(in *bufio.Reader, line []byte) ([]byte, error) {
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > longest; !long {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long {
			line = line[:0]
		}
		return line, err
	}
}
