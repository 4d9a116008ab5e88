// Package journal keeps what a long operation has done in a file, one JSON document a
// line, so that it can go on after a crash. A line is durable when Append returns. Each
// is numbered ("seq": 1, 2, 3 …) and ends with the CRC-32C of all that precedes it
// ("crc32c", eight hex digits).
//
// One process writes a journal, which a lock of its own must see to; others may read it
// at the same time.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
)

// entry is what one line holds: a pointer to a struct that marshals Number as "seq".
type entry[T any] interface {
	*T
	// Number is where the entry keeps its number in the journal.
	Number() *int
}

// disk is the part of a file that a journal writes to.
type disk interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
}

// File is an open journal of entries of type T.
type File[T any, P entry[T]] struct {
	f     disk
	lines []T
	size  int64 // of the good lines, in bytes
	lost  error // why nothing can be appended any more
	// After is called with the number of lines after each durable one; tests use it to
	// stop there.
	After func(lines int)
}

// Open opens or makes the journal at path. A torn last line, as a crash leaves it, is
// cut off; damage before the end is an error, and the file is left as it is.
func Open[T any, P entry[T]](path string) (*File[T, P], error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	lines, good, err := scan[T, P](f)
	if err == nil {
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err == nil {
		err = errors.Join(f.Sync(), atomicfile.SyncDir(filepath.Dir(path)))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return &File[T, P]{f: f, lines: lines, size: good}, nil
}

// Read reads a journal that another process may be writing; a torn last line is left
// out. A journal that is not there is an empty one.
func Read[T any, P entry[T]](path string) ([]T, error) {
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, _, err := scan[T, P](f)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return lines, nil
}

// scan returns the good lines and how many bytes they take.
func scan[T any, P entry[T]](r io.Reader) (lines []T, good int64, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, 0, err
	}
	for rest := data; len(rest) > 0; {
		text, after, whole := bytes.Cut(rest, []byte("\n"))
		line, sound := Decode[T](text)
		if !whole || !sound || *P(&line).Number() != len(lines)+1 {
			if bytes.IndexByte(after, '\n') >= 0 && len(bytes.Trim(after, "\x00\n ")) > 0 {
				return nil, 0, fmt.Errorf("line %d is damaged, and lines follow it", len(lines)+1)
			}
			break
		}
		lines = append(lines, line)
		good += int64(len(text)) + 1
		rest = after
	}
	return lines, good, nil
}

const sumKey = `,"crc32c":"`

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode makes a line, with the checksum of all that precedes it.
func encode(entry any) ([]byte, error) {
	text, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("encode journal line: %w", err)
	}
	text = text[:len(text)-1]
	return fmt.Appendf(text, "%s%08x\"}\n", sumKey, crc32.Checksum(text, castagnoli)), nil
}

// Decode reads one line, without its line feed. sound tells that its checksum is right.
func Decode[T any](text []byte) (entry T, sound bool) {
	at := bytes.LastIndex(text, []byte(sumKey))
	if at < 0 || string(text[at:]) != fmt.Sprintf("%s%08x\"}", sumKey, crc32.Checksum(text[:at], castagnoli)) {
		return entry, false
	}
	return entry, json.Unmarshal(text, &entry) == nil
}

// Lines are the lines so far.
func (j *File[T, P]) Lines() []T { return j.lines }

// Append numbers an entry, writes it and returns when it is on the disk. A line that was
// not written whole is cut off again, so that a full disk costs that line alone; after
// a write that may not be durable, every later Append returns the same error.
func (j *File[T, P]) Append(entry T) error {
	if j.lost != nil {
		return j.lost
	}
	*P(&entry).Number() = len(j.lines) + 1
	text, err := encode(entry)
	if err != nil {
		return err
	}
	if _, err := j.f.Write(text); err != nil {
		err = fmt.Errorf("write journal: %w", err)
		if j.cut() != nil {
			j.lost = err
		}
		return err
	}
	if err := j.f.Sync(); err != nil {
		j.lost = fmt.Errorf("sync journal: %w", err)
		return errors.Join(j.lost, j.cut())
	}
	j.lines = append(j.lines, entry)
	j.size += int64(len(text))
	if j.After != nil {
		j.After(len(j.lines))
	}
	return nil
}

// cut removes what follows the last good line.
func (j *File[T, P]) cut() error {
	if err := j.f.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.f.Seek(j.size, io.SeekStart)
	return err
}

// Close closes the journal.
func (j *File[T, P]) Close() error { return j.f.Close() }
