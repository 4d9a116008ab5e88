package binarchive

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
)

// Survey is what a server's folder holds, as far as manifest, indexes and lengths tell. All
// that reads the archive goes by it: what is damaged counts as missing, and leaves a gap.
// Whether the contents are what was written, Verify tells.
type Survey struct {
	Segments []*binlog.Segment // in log order
	Faults   []Fault           // files that are in the folder and cannot be used
	Unread   int               // damaged lines of the manifest; the indexes say the same
}

// Fault is a file of the archive that cannot be used.
type Fault struct {
	Server string
	Name   string // of the archive's file
	Why    lang.Msg
}

// Error is the English sentence.
func (f Fault) Error() string { return f.Sentence().String() }

// Sentence names the file and says what is wrong with it.
func (f Fault) Sentence() lang.Msg { return lang.M("%s: %s", f.Name, f.Why) }

// Segments are the usable files of a server, in log order, with the one that is still being
// written.
func (f Folder) Segments(id string) ([]*binlog.Segment, error) {
	s, err := f.Survey(id)
	if err != nil {
		return nil, err
	}
	return s.Segments, nil
}

// Survey looks through a server's folder.
func (f Folder) Survey(id string) (*Survey, error) {
	dir := f.server(id)
	lines := map[string]*binlog.Segment{}
	bad, err := manifest(filepath.Join(dir, manifestName), func(s *binlog.Segment) { lines[s.Name] = s })
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := &Survey{Unread: bad}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), partSuffix)
		if e.IsDir() || !strings.HasSuffix(name, ".zst") && !strings.HasSuffix(name, ".zst.age") {
			continue
		}
		s, why, err := f.look(filepath.Join(dir, e.Name()), lines[e.Name()])
		if errors.Is(err, fs.ErrNotExist) && name != e.Name() { // it got its final name meanwhile
			s, why, err = f.look(filepath.Join(dir, name), lines[name])
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was pruned
			continue
		case err != nil:
			return nil, err
		case why.Empty() && s != nil && s.Server != id:
			why = lang.M("it is the log of another server, %s", s.Server)
		case why.Empty() && s != nil && s.Name != name:
			why = lang.M("it is another file, %s", s.Name)
		}
		switch {
		case !why.Empty():
			out.Faults = append(out.Faults, Fault{Server: id, Name: e.Name(), Why: why})
		case s != nil:
			out.Segments = append(out.Segments, s)
		}
	}
	out.Segments = once(out.Segments)
	slices.SortStableFunc(out.Segments, inOrder)
	return out, nil
}

// once leaves out a file that got its final name while the folder was read, and was seen under
// both.
func once(all []*binlog.Segment) (kept []*binlog.Segment) {
	for _, s := range all {
		i := slices.IndexFunc(kept, func(k *binlog.Segment) bool { return k.Name == s.Name })
		switch {
		case i < 0:
			kept = append(kept, s)
		case kept[i].Open:
			kept[i] = s
		}
	}
	return kept
}

// look is the segment in a file, by its line of the manifest or else by its index; why it cannot
// be used, or neither if nothing of it was synced yet.
func (f Folder) look(path string, line *binlog.Segment) (s *binlog.Segment, why lang.Msg, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, why, err
	}
	part := strings.HasSuffix(path, partSuffix)
	base := strings.TrimSuffix(path, partSuffix)
	if _, err := os.Stat(base + indexSuffix); errors.Is(err, fs.ErrNotExist) {
		if part && info.Size() == 0 {
			return nil, why, nil
		}
		if _, err := os.Stat(path); err != nil { // removed, its index after it
			return nil, why, err
		}
		return nil, lang.M("it has no index (%s)", filepath.Base(base)+indexSuffix), nil
	}
	if s = line; s == nil {
		s, err = sumOf(base + partSuffix)
		if errors.Is(err, ErrDamaged) {
			return nil, lang.M("its index cannot be read: %s", err.Error()), nil
		}
		if err != nil || s == nil {
			return nil, why, err
		}
		s.Open = s.Open && part // without its last line it was cut
	}
	if info.Size() < s.SizeBytes { // frames are written before the index tells of them: these came meanwhile
		if info, err = os.Stat(path); err != nil {
			return nil, why, err
		}
	}
	if info.Size() < s.SizeBytes || !s.Open && info.Size() != s.SizeBytes {
		return nil, lang.M("it has %d bytes, its index says %d", info.Size(), s.SizeBytes), nil
	}
	return s, why, nil
}

// damagedSuffix is the suffix of files that could not be used, and were set aside for a new
// attempt.
const damagedSuffix = ".damaged"

// setAside renames what is there of a file that cannot be used.
func setAside(base string) error {
	for _, suffix := range []string{"", partSuffix, indexSuffix, sumSuffix} {
		err := os.Rename(base+suffix, base+suffix+damagedSuffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// mend makes a damaged part usable as far as its index and its bytes are whole: what is cut off
// is fetched again, if the server still has it. Without any whole frame it is set aside.
func mend(base string) error {
	info, err := os.Stat(base + partSuffix)
	if err != nil {
		return err
	}
	text, err := regular.ReadFile(base + indexSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s, frames := wholeFrames(string(text), info.Size())
	if len(frames) == 0 {
		return setAside(base)
	}
	if err := os.Remove(base + sumSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeIndex(base+indexSuffix, s, frames)
}

// wholeFrames are the frames of an index before its first damaged line, or the first frame that
// ends after a size.
func wholeFrames(index string, size int64) (s *binlog.Segment, frames []binlog.Frame) {
	lines := strings.Split(index, "\n")
	s = &binlog.Segment{}
	if json.Unmarshal([]byte(lines[0]), s) != nil {
		return nil, nil
	}
	at := s.FromPos
	for _, line := range lines[1:] {
		var f binlog.Frame
		if json.Unmarshal([]byte(line), &f) != nil || f.Closed || f.From != at || f.Offset+f.Length > size {
			break
		}
		at = f.To
		frames = append(frames, f)
	}
	sumUp(s, frames)
	s.Open = true
	return s, frames
}
