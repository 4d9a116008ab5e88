package binarchive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// frameBytes is the maximum size of a frame's events, not counting the last event.
const frameBytes = 1 << 20

// writer writes one segment: frames go to NAME.part, then their lines to NAME.idx. A frame
// with a line survives a crash; one without is fetched again.
type writer struct {
	dir     string
	segment *binlog.Segment
	frames  []binlog.Frame
	part    *os.File
	index   *os.File
	pack    *packer
	format  *format.Format // of the file, from the stream

	raw     []byte
	tail    int          // length of the last event in raw
	now     binlog.Frame // the frame that raw belongs to
	lines   []byte       // of frames that are written, but not synced yet
	gtids   binlog.GTIDs
	walk    *format.Walker
	summary format.Summary
	blind   string // why events cannot be parsed; they are stored anyway
	group   uint64 // start of the open group; 0 for none
}

// begin creates a segment at the beginning of a log file.
func begin(dir string, s *binlog.Segment, p *packer) (*writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w := newWriter(dir, s, p)
	if err := w.open(os.O_EXCL); err != nil {
		return nil, err
	}
	line, err := json.Marshal(s)
	if err == nil {
		_, err = w.index.Write(append(line, '\n'))
	}
	if err == nil {
		err = errors.Join(w.index.Sync(), atomicfile.SyncDir(dir))
	}
	if err != nil {
		w.abandon()
		return nil, err
	}
	return w, nil
}

func newWriter(dir string, s *binlog.Segment, p *packer) *writer {
	w := &writer{dir: dir, segment: s, pack: p}
	w.walk = format.NewWalker(s.File, nil)
	w.summary = format.Summary{Done: w.count, NoNotes: true}
	return w
}

// end is the position of the next event in the file.
func (w *writer) end() uint64 {
	switch {
	case len(w.raw) > 0:
		return w.now.To
	case w.now.From != 0:
		return w.now.From
	}
	return w.segment.FromPos
}

func (w *writer) path() string { return filepath.Join(w.dir, w.segment.Name) }

func (w *writer) open(flags int) (err error) {
	if w.part, err = os.OpenFile(w.path()+partSuffix, os.O_RDWR|os.O_CREATE|flags, 0o600); err != nil {
		return err
	}
	if w.index, err = os.OpenFile(w.path()+indexSuffix, os.O_RDWR|os.O_CREATE|flags, 0o600); err != nil {
		w.part.Close()
	}
	return err
}

// resume continues a part: bytes and lines that were not synced are cut off. The walker
// starts at the open group, so the events since then are fed again.
func resume(dir, part string, p *packer, keys *unpacker) (*writer, error) {
	s, frames, err := readPart(part)
	if err != nil || s == nil {
		return nil, err
	}
	return resumeAt(dir, s, frames, p, func(w *writer) *Reader {
		return &Reader{Segment: s, frames: frames, file: w.part, unpack: keys}
	})
}

// resumeAt continues a part with these frames; reader reads them.
func resumeAt(
	dir string,
	s *binlog.Segment,
	frames []binlog.Frame,
	p *packer,
	reader func(*writer) *Reader,
) (w *writer, err error) {
	w = newWriter(dir, s, p)
	w.frames = frames
	if err := w.open(0); err != nil {
		return nil, err
	}
	if err := w.cut(); err != nil {
		w.abandon()
		return nil, err
	}
	if w.gtids, err = binlog.ParseGTIDs(s.GTIDAfter); err != nil {
		w.abandon()
		return nil, err
	}
	if s.Frames == 0 {
		w.gtids, err = binlog.ParseGTIDs(s.GTIDBefore)
	}
	w.now.From = s.ToPos
	w.warm(reader(w))
	return w, err
}

// cut truncates both files to the last synced frame.
func (w *writer) cut() error {
	end := int64(0)
	if n := len(w.frames); n > 0 {
		end = w.frames[n-1].Offset + w.frames[n-1].Length
	}
	info, err := w.part.Stat()
	if err != nil {
		return err
	}
	if info.Size() < end {
		return fmt.Errorf("%w: %s has %d bytes, its index says %d", ErrDamaged, w.part.Name(), info.Size(), end)
	}
	if err := w.part.Truncate(end); err != nil {
		return err
	}
	if _, err := w.part.Seek(end, io.SeekStart); err != nil {
		return err
	}
	data, err := regular.ReadFile(w.index.Name())
	if err != nil {
		return err
	}
	whole := int64(strings.LastIndexByte(string(data), '\n') + 1)
	if err := w.index.Truncate(whole); err != nil {
		return err
	}
	_, err = w.index.Seek(whole, io.SeekStart)
	return err
}

// warm feeds the walker the stored events since the start of the open group. If they
// cannot be read, later events are stored without being parsed.
func (w *writer) warm(r *Reader) {
	if len(w.frames) == 0 {
		return
	}
	last := w.frames[len(w.frames)-1]
	f, err := r.Format()
	if err != nil {
		w.blind = err.Error()
		return
	}
	w.walk = format.NewWalker(w.segment.File, f)
	quiet := format.Summary{Done: func(*binlog.Transaction) error { return nil }, NoNotes: true}
	err = r.Events(last.Start(), func(e *format.Event, end uint64) error {
		return w.walk.Feed(e, end, func(i *format.Item) error {
			if err := quiet.Take(i); err != nil {
				return err
			}
			w.note(i)
			return nil
		})
	})
	if err != nil {
		w.blind = err.Error()
		return
	}
	w.summary = quiet
	w.summary.Done = w.count
}

func (w *writer) note(i *format.Item) {
	switch i.What {
	case format.Begin:
		w.group = i.Group.Pos
	case format.End:
		w.group = 0
	case format.Incident: // like a statement, it may end what can be replayed
		w.now.Other = true
	}
}

// add stores the next event, which begins where the last one ended.
func (w *writer) add(raw []byte, e *format.Event) error {
	if len(w.raw) == 0 {
		w.now = binlog.Frame{From: w.now.From, OpenFrom: w.group, FromTime: e.Time()}
		if w.now.From == 0 {
			w.now.From = w.segment.FromPos
		}
		w.now.To = w.now.From
		if len(w.frames) == 0 { // the file's magic, so that the archive unpacks to the original log
			w.raw = append(w.raw, format.Magic...)
		}
	}
	w.raw = append(w.raw, raw...)
	w.tail = len(raw)
	w.now.To += uint64(len(raw))
	w.now.ToTime = later(w.now.ToTime, e.Time())
	w.understand(e)
	if len(w.raw) < frameBytes {
		return nil
	}
	return w.flush()
}

// understand collects the event's figures for the index.
func (w *writer) understand(e *format.Event) {
	if e.Type == format.TypePreviousGTIDs || e.Type == format.TypeMariaGTIDList {
		if set, err := format.PreviousGTIDs(e); err == nil {
			w.gtids = set.Clone()
			w.now.Before = set.String()
		}
	}
	if w.blind == "" {
		err := w.walk.Feed(e, w.now.To, func(i *format.Item) error {
			if err := w.summary.Take(i); err != nil {
				return err
			}
			w.note(i)
			return nil
		})
		if err == nil {
			return
		}
		w.blind = err.Error()
	}
	w.now.Unread = w.blind
}

func (w *writer) count(t *binlog.Transaction) error {
	if !t.Void {
		w.now.Transactions++
	}
	w.now.Largest = max(w.now.Largest, t.Rows())
	w.now.DDL = w.now.DDL || len(t.DDL) > 0
	w.now.Other = w.now.Other || len(t.Other) > 0
	w.now.ToTime = later(w.now.ToTime, t.Time)
	sum := binlog.Transaction{Tables: w.now.Tables}
	for _, c := range t.Tables {
		own := sum.Count(c.Schema, c.Table)
		own.Inserted += c.Inserted
		own.Updated += c.Updated
		own.Deleted += c.Deleted
	}
	w.now.Tables = sum.Tables
	if t.GTID != "" {
		return w.gtids.Add(t.GTID)
	}
	return nil
}

// flush writes the collected events as a frame; sync makes it durable.
func (w *writer) flush() error {
	if len(w.raw) == 0 {
		return nil
	}
	data, err := w.pack.pack(w.raw)
	if err != nil {
		return err
	}
	f := w.now
	f.Tail = &binlog.Tail{From: f.To - uint64(w.tail), Sum: tailSum(w.raw[len(w.raw)-w.tail:])}
	sum := sha256.Sum256(data)
	f.Length, f.RawBytes, f.SHA256, f.GTID = int64(
		len(data),
	), int64(
		len(w.raw),
	), hex.EncodeToString(
		sum[:],
	), w.gtids.String()
	if n := len(w.frames); n > 0 {
		f.Offset = w.frames[n-1].Offset + w.frames[n-1].Length
	}
	if _, err := w.part.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", w.part.Name(), err)
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	w.lines = append(append(w.lines, line...), '\n')
	w.frames = append(w.frames, f)
	w.raw = w.raw[:0]
	w.now = binlog.Frame{From: f.To}
	return nil
}

// tailSum is the sum of an event in a Tail.
func tailSum(event []byte) string {
	sum := sha256.Sum256(event)
	return hex.EncodeToString(sum[:16])
}

// sync makes everything that was added durable.
func (w *writer) sync() error {
	if err := w.flush(); err != nil {
		return err
	}
	if len(w.lines) == 0 {
		return nil
	}
	if err := w.part.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", w.part.Name(), err)
	}
	if _, err := w.index.Write(w.lines); err != nil {
		return fmt.Errorf("write %s: %w", w.index.Name(), err)
	}
	if err := w.index.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", w.index.Name(), err)
	}
	w.lines = w.lines[:0]
	return nil
}

// close ends the segment: the log continues in next, or was cut if next is "".
func (w *writer) close(next string) (*binlog.Segment, error) {
	if err := w.sync(); err != nil {
		return nil, err
	}
	s := w.segment
	s.Next = next
	line, err := json.Marshal(binlog.Frame{Closed: true, Next: next})
	if err != nil {
		return nil, err
	}
	if _, err := w.index.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("write %s: %w", w.index.Name(), err)
	}
	if err := w.index.Sync(); err != nil {
		return nil, fmt.Errorf("sync %s: %w", w.index.Name(), err)
	}
	if err := errors.Join(w.index.Close(), w.part.Close()); err != nil {
		return nil, err
	}
	return finish(w.dir, s, w.frames)
}

// finish gives a part its final name and its manifest line. Both steps can be repeated.
func finish(dir string, s *binlog.Segment, frames []binlog.Frame) (*binlog.Segment, error) {
	path := filepath.Join(dir, s.Name)
	sumUp(s, frames)
	s.Open = false
	if err := os.Rename(path+partSuffix, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := atomicfile.SyncDir(dir); err != nil {
		return nil, err
	}
	var err error
	if s.SHA256, err = fileSum(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path + sumSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return s, appendManifest(dir, s)
}

func fileSum(path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// abandon closes the files and keeps them for a later resume.
func (w *writer) abandon() {
	if w.index != nil {
		w.index.Close()
	}
	w.part.Close()
}
