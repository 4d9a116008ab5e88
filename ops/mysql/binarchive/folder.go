package binarchive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/jsonl"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
)

// FolderName is the name of the archive's folder inside the backup folder.
const FolderName = "binlog"

// Names in a server's folder.
const (
	manifestName = "manifest.jsonl"
	partSuffix   = ".part" // of the file that is being written
	indexSuffix  = ".idx"
)

// Folder is the archive of all servers.
type Folder struct {
	Dir string
	// Service is the one that reads, and Hosts are servers that it is known to have had. The
	// archive may hold logs of servers of other services, which Foreign tells.
	Service string
	Hosts   map[string]bool
}

// Foreign reports whether all of a server's log was archived by other services, from a server
// that this one is not known to have had. connected is the server that it has now, as in
// Segment.Host. If nothing is known of the service's servers, no log is foreign.
func (f Folder) Foreign(segments []*binlog.Segment, connected string) bool {
	if f.Service == "" || len(f.Hosts) == 0 && connected == "" {
		return false
	}
	return !slices.ContainsFunc(segments, func(s *binlog.Segment) bool {
		return s.Service == "" || s.Service == f.Service || s.Host == "" || s.Host == connected || f.Hosts[s.Host]
	})
}

// Servers lists the ids of the servers in the archive.
func (f Folder) Servers() ([]string, error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	return ids, err
}

func (f Folder) server(id string) string { return filepath.Join(f.Dir, id) }

// LockPath is the lock file for writing a server's log to the archive. Earlier versions
// had one lock for all servers, at the path for "".
func (f Folder) LockPath(server string) string { return filepath.Join(f.server(server), ".lock") }

func inOrder(a, b *binlog.Segment) int {
	if a.Epoch != b.Epoch {
		return a.Epoch - b.Epoch
	}
	_, i, _ := binlog.Split(a.File)
	_, j, _ := binlog.Split(b.File)
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

// manifest reads the lines; bad counts the damaged ones. A last line that was cut by a
// crash does not count: its content is in the file's index.
func manifest(path string, take func(*binlog.Segment)) (bad int, err error) {
	data, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		s := &binlog.Segment{}
		if err := json.Unmarshal([]byte(line), s); err != nil {
			if i < len(lines)-1 {
				bad++
			}
			continue
		}
		take(s)
	}
	return bad, nil
}

// readIndex reads the frames of a segment. The first line is the segment as it was at its
// start.
func readIndex(path string) (*binlog.Segment, []binlog.Frame, error) {
	data, err := regular.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	first, rest, whole := strings.Cut(string(data), "\n")
	if !whole {
		return nil, nil, nil
	}
	s := &binlog.Segment{Open: true}
	if err := json.Unmarshal([]byte(first), s); err != nil {
		return nil, nil, fmt.Errorf("%w: line 1 of %s: %w", ErrDamaged, path, err)
	}
	frames, _, err := readFrames(s, rest)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	return s, frames, nil
}

// readFrames reads lines of an index, and notes in the segment that it is complete. read is the
// length of the lines that are whole: a last line that was cut by a crash was not synced.
func readFrames(s *binlog.Segment, lines string) (frames []binlog.Frame, read int, err error) {
	for rest := lines; rest != ""; {
		line, after, whole := strings.Cut(rest, "\n")
		if !whole {
			break
		}
		rest = after
		var f binlog.Frame
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			return nil, 0, fmt.Errorf("at byte %d after the first line: %w", read, err)
		}
		read += len(line) + 1
		if f.Closed {
			s.Open, s.Next = false, f.Next
			break
		}
		frames = append(frames, f)
	}
	return frames, read, nil
}

// readPart reads an unfinished segment and its index. A part whose index has no first line
// yet is ignored.
func readPart(part string) (*binlog.Segment, []binlog.Frame, error) {
	s, frames, err := readIndex(strings.TrimSuffix(part, partSuffix) + indexSuffix)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s == nil {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	sumUp(s, frames)
	return s, frames, nil
}

// sumUp fills in a segment's totals from its frames.
func sumUp(s *binlog.Segment, frames []binlog.Frame) {
	s.Frames = 0
	s.SizeBytes = 0
	s.RawBytes = 0
	s.Transactions = 0
	s.ToPos = s.FromPos
	addUp(s, frames)
}

// addUp adds further frames to a segment's totals.
func addUp(s *binlog.Segment, frames []binlog.Frame) {
	s.Frames += len(frames)
	for _, f := range frames {
		if s.FromTime.IsZero() {
			s.FromTime = f.FromTime
		}
		s.SizeBytes += f.Length
		s.RawBytes += f.RawBytes
		s.Transactions += f.Transactions
		s.ToPos, s.GTIDAfter = f.To, f.GTID
		s.Tail = f.Tail
		if f.Before != "" {
			s.GTIDBefore = f.Before
		}
		if f.ToTime.After(s.ToTime) {
			s.ToTime = f.ToTime
		}
	}
}

// appendManifest adds a segment to the manifest.
func appendManifest(dir string, s *binlog.Segment) error {
	return jsonl.Append(filepath.Join(dir, manifestName), s)
}

// Following reports whether a process is currently writing a server's log to the archive.
func (f Folder) Following(server string) (bool, error) {
	_, held, err := f.writer(server)
	return held, err
}

// writer is the process that is currently writing a server's log to the archive. A program
// of an earlier version holds the lock of all servers.
func (f Folder) writer(server string) (who lock.Holder, held bool, err error) {
	if who, held, err = lock.Look(f.LockPath("")); held || err != nil || server == "" {
		return who, held, err
	}
	return lock.Look(f.LockPath(server))
}

// hold takes the lock of a server's log.
func (f Folder) hold(server string, who lock.Holder) (*lock.Lock, error) {
	if err := os.MkdirAll(f.server(server), 0o700); err != nil {
		return nil, err
	}
	former, held, err := lock.Look(f.LockPath(""))
	if err != nil {
		return nil, err
	}
	if held {
		return nil, &lock.HeldError{Path: f.LockPath(""), Holder: former}
	}
	return lock.Take(f.LockPath(server), who)
}

// LastRun is the end of the last run that archived a server's log, such as the repeated
// runs of a schedule; zero if there was none, or if one was killed while it followed the
// log.
func (f Folder) LastRun(server string) (time.Time, error) {
	info, err := os.Stat(f.LockPath(server))
	if errors.Is(err, fs.ErrNotExist) && server != "" {
		return f.LastRun("")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil || info.Size() > 0 { // its holder never released it
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
