package restore

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
	"time"

	"opsdeck/internal/atomicfile"
)

// Line is one line of a journal: an event, or the mark that an effect is about
// to begin.
type Line struct {
	Seq    int       `json:"seq"`  // 1, 2, 3 …
	Time   time.Time `json:"time"` // when it was written
	Begins Effect    `json:"begins,omitempty"`
	Event  *Event    `json:"event,omitempty"`
	Stage  Stage     `json:"stage"` // where the restore stands after it
}

// Journal is the open journal of a run. Each Append is durable before it returns.
type Journal struct {
	f     *os.File
	lines []Line
	// After is called with the number of lines after each durable one; tests use
	// it to end the process there.
	After func(lines int)
}

// OpenJournal opens or makes the journal at path. A torn last line, as a crash
// leaves it, is cut off; damage before the end is an error.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	lines, good, err := readJournal(f)
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
	return &Journal{f: f, lines: lines}, nil
}

// ReadJournal reads a journal that another process may be writing; the torn
// last line is left out. A journal that is not there is an empty one.
func ReadJournal(path string) ([]Line, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, _, err := readJournal(f)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return lines, nil
}

// readJournal returns the good lines and how many bytes they take.
func readJournal(r io.Reader) (lines []Line, good int64, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, 0, err
	}
	for rest := data; len(rest) > 0; {
		text, after, whole := bytes.Cut(rest, []byte("\n"))
		l, ok := decodeLine(text)
		if !whole || !ok || l.Seq != len(lines)+1 {
			if bytes.IndexByte(after, '\n') >= 0 && len(bytes.Trim(after, "\x00\n ")) > 0 {
				return nil, 0, fmt.Errorf("line %d is damaged, and lines follow it", len(lines)+1)
			}
			break
		}
		lines = append(lines, l)
		good += int64(len(text)) + 1
		rest = after
	}
	return lines, good, nil
}

const sumKey = `,"crc32c":"`

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeLine writes a line with the checksum of all that precedes it.
func encodeLine(l Line) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	text = text[:len(text)-1]
	return fmt.Appendf(text, "%s%08x\"}\n", sumKey, crc32.Checksum(text, castagnoli)), nil
}

func decodeLine(text []byte) (l Line, ok bool) {
	at := bytes.LastIndex(text, []byte(sumKey))
	if at < 0 || string(text[at:]) != fmt.Sprintf("%s%08x\"}", sumKey, crc32.Checksum(text[:at], castagnoli)) {
		return l, false
	}
	return l, json.Unmarshal(text, &l) == nil
}

// Lines are the lines so far.
func (j *Journal) Lines() []Line { return j.lines }

// Append writes a line and returns when it is on the disk.
func (j *Journal) Append(l Line) error {
	l.Seq = len(j.lines) + 1
	text, err := encodeLine(l)
	if err != nil {
		return fmt.Errorf("encode journal line: %w", err)
	}
	if _, err := j.f.Write(text); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	j.lines = append(j.lines, l)
	if j.After != nil {
		j.After(len(j.lines))
	}
	return nil
}

// Close closes the journal.
func (j *Journal) Close() error { return j.f.Close() }

// Fold replays a journal over the snapshot of its plan. pending is the effect
// that had begun and not ended, or empty.
func Fold(p *Plan, lines []Line) (s Snapshot, pending Effect, err error) {
	s = New(p)
	for _, l := range lines {
		if l.Event == nil {
			pending = l.Begins
			continue
		}
		pending = ""
		if s, _, err = Next(s, *l.Event); err != nil {
			return s, "", fmt.Errorf("journal line %d: %w", l.Seq, err)
		}
	}
	return s, pending, nil
}
