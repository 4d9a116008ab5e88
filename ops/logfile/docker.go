package logfile

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"opsdeck/internal/regular"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
)

// Docker's json-file logs, and those of Kubernetes, are read as the container's own
// output: unwrapped into a spool, with split lines joined again. Text that is not UTF-8 is
// converted in the same way.

// unwrapper writes the container's output to w. It accepts wrapped lines in pieces of any
// size.
type unwrapper struct {
	w    io.Writer
	d    logline.Docker
	half []byte
	out  []byte
}

func (u *unwrapper) Write(p []byte) (int, error) {
	n := len(p)
	u.out = u.out[:0]
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		line := p[:i]
		if len(u.half) > 0 {
			u.half = append(u.half, line...)
			line = u.half
		}
		u.out = u.d.Unwrap(u.out, line)
		u.half, p = u.half[:0], p[i+1:]
	}
	u.half = append(u.half, p...)
	_, err := u.w.Write(u.out)
	return n, err
}

// Close writes a last line without a line break.
func (u *unwrapper) Close() error {
	out := u.out[:0]
	if len(u.half) > 0 {
		out = u.d.Unwrap(out, u.half)
		u.half = nil
	}
	_, err := u.w.Write(u.d.Rest(out))
	return err
}

// dockerTail is the size of a live log's end that is unwrapped before anything is shown;
// dockerPiece is the size of the pieces before it that are unwrapped at a time.
const (
	dockerTail  = 1 << 20
	dockerPiece = 64 << 20
)

// Older accepts the pieces of a text before the followed part, or reports that it no
// longer does.
type Older func(pieces []logs.Part) bool

// Unwrapped is a sink that receives the container's lines of texts that Docker or
// Kubernetes wrote, texts in GBK and UTF-16 as UTF-8, and every other text unchanged. Of a
// long container log it receives the end; the part before is first passed to older, unless
// that is nil.
func Unwrapped(sink Sink, older Older) Sink { return unwrapped{sink, older} }

type unwrapped struct {
	Sink
	older Older // if nil, texts are unwrapped completely at once
}

func (u unwrapped) Begin(name string, text logs.Text) Track {
	sp, err := newSpool()
	if err != nil {
		return u.Sink.Begin(name, text)
	}
	size := text.Size() // what comes meanwhile is looked at as it grows
	t := &unwrappedTrack{text: text, spool: sp, done: holeEnd(text, size)}
	head := headAt(text, t.done)
	if t.unwrap = reader(head, sp); len(head) == 0 && ofContainer(name) {
		t.unwrap = &unwrapper{w: sp} // still empty
	}
	if t.unwrap == nil {
		if !sampledChinese(text, t.done, size) {
			sp.Close()
			return followLate(u.Sink, name, text, size)
		}
		t.unwrap = &chineseLines{w: sp}
	}
	end := index.LastBreak(text, size)
	if u.older != nil && end > 2*dockerTail && logline.IsWrapped(head) {
		if at := dockerStart(text, end-dockerTail, end); u.older(dockerPieces(name, text, at)) {
			t.done = at
		}
	}
	t.read(end, nil)
	t.Track = u.Sink.Begin(name, sp)
	return t
}

// ofContainer reports by its name whether Docker or the kubelet writes a file.
func ofContainer(name string) bool {
	return strings.HasSuffix(name, "-json.log") || strings.Contains(name, "/log/pods/") ||
		strings.Contains(name, "/log/containers/")
}

// unwrappedTrack unwraps a text while it grows.
type unwrappedTrack struct {
	Track
	text   logs.Text
	spool  *spool
	unwrap io.WriteCloser
	done   int64 // bytes of text
}

func (t *unwrappedTrack) Grow(size int64, same func() bool) bool {
	good := t.read(size, same)
	// Half a line is delivered when nothing followed it for a while; even a whole line may
	// lack a part of its line break, in UTF-16.
	return t.Track.Grow(convertedTo(t.spool, t.unwrap, t.text, t.done), nil) && good
}

// convertedTo is the end of what is shown of a text that was converted up to done: a half
// line too, when the text ends with one.
func convertedTo(text logs.Text, to io.Writer, of io.ReaderAt, done int64) int64 {
	last := make([]byte, 1)
	if n, _ := of.ReadAt(last, done-1); n == 1 && last[0] == '\n' {
		return index.LastBreak(text, text.Size())
	}
	if c, ok := to.(*chineseLines); ok {
		_ = c.half() // what could not be written is not shown
	}
	return text.Size()
}

// read unwraps up to size, one piece at a time, each only if it was read from the text it
// belongs to.
func (t *unwrappedTrack) read(size int64, same func() bool) bool {
	buf := make([]byte, max(0, min(size-t.done, 256<<10)))
	for t.done < size {
		piece := buf[:min(int64(len(buf)), size-t.done)]
		n, err := t.text.ReadAt(piece, t.done)
		if n < len(piece) && err != nil || same != nil && !same() {
			return false
		}
		if _, err := t.unwrap.Write(piece); err != nil {
			return false
		}
		t.done += int64(len(piece))
	}
	return true
}

// Swap continues in a copy.
func (t *unwrappedTrack) Swap(text logs.Text) { t.text = text }

// End ends the text.
func (t *unwrappedTrack) End() {
	if t.unwrap.Close() == nil {
		t.Track.Grow(t.spool.Size(), nil)
	}
	t.Track.End()
}

// dockerStart is the start, at or after off, of the first line with which an event of the
// container also starts; if there is none nearby, of any line; end if there is no line.
func dockerStart(r io.ReaderAt, off, end int64) int64 {
	buf := make([]byte, 256<<10) // several lines, each at most 16 kB before JSON escapes
	parser := logline.NewParser(time.UTC, time.Now())
	first := int64(-1)
	whole, broken := false, false // whole: the line is complete; broken: the previous one ends a line of the container
	for from := off; off < end; {
		text := buf[:min(int64(len(buf)), end-off)]
		if n, _ := r.ReadAt(text, off); n < len(text) {
			return end
		}
		last := 0
		for range bytes.Count(text, []byte{'\n'}) {
			line := text[last : last+bytes.IndexByte(text[last:], '\n')]
			if broken && parser.DockerHead(line) || first >= 0 && off+int64(last)-from > dockerHead {
				return off + int64(last)
			}
			last += len(line) + 1
			if broken = (whole || len(line) > 200) && logline.DockerBreak(line); broken && first < 0 {
				first = off + int64(last)
			}
			whole = true
		}
		if off += int64(last); last == 0 {
			off += int64(len(text)) - 1
			whole, broken = false, false
		}
	}
	if first >= 0 {
		return first
	}
	return end
}

// dockerHead is the distance up to which an event's start is searched.
const dockerHead = 1 << 20

// dockerPieces splits the part before end into pieces, oldest first.
func dockerPieces(name string, text logs.Text, end int64) (out []logs.Part) {
	for off := int64(0); off < end; off += dockerPiece {
		out = append(out, &dockerPart{name, text, off, min(off+dockerPiece, end), end})
	}
	return out
}

// dockerPart is a piece of a wrapped text, starting at the first event at or after off.
// Without a text it is a piece of the file with that name.
type dockerPart struct {
	name         string
	text         logs.Text
	off, to, end int64
}

func (p *dockerPart) Name() string { return p.name }

func (p *dockerPart) Open(ctx context.Context) (logs.Text, error) {
	text, err := p.opened()
	if err != nil {
		return nil, err
	}
	if p.text != nil {
		return p.unwrap(ctx, text)
	}
	defer text.Close()
	info, err := text.(*liveText).f.Stat()
	if err != nil {
		return nil, readError(p.name, err)
	}
	got, err := p.unwrap(ctx, text)
	sp, ok := got.(*spool)
	if !ok || err != nil {
		return got, err
	}
	piece := &packedText{
		path: p.name,
		info: info,
		size: sp.Size(),
		sp:   sp,
		same: func(now fs.FileInfo) bool { return now.Size() >= p.end },
	}
	piece.make = func(ctx context.Context) (logs.Text, error) {
		text, err := p.opened()
		if err != nil {
			return nil, err
		}
		defer text.Close()
		return p.unwrap(ctx, text)
	}
	piece.used.Store(unpacked.clock.Add(1))
	piece.makeRoom()
	return piece, nil
}

// unwrap unwraps the piece's text.
func (p *dockerPart) unwrap(ctx context.Context, text logs.Text) (logs.Text, error) {
	off, to := p.off, p.to
	if off > 0 {
		off = dockerStart(text, off, p.end)
	}
	if to < p.end {
		to = dockerStart(text, to, p.end)
	}
	return spoolFrom(ctx, p.name, io.NewSectionReader(text, off, to-off))
}

func (p *dockerPart) opened() (logs.Text, error) {
	if p.text != nil {
		return p.text, nil
	}
	f, err := regular.Open(p.name)
	if err != nil {
		return nil, readError(p.name, err)
	}
	return &liveText{f: f}, nil
}

// LinesBefore is the number of the container's lines before the piece.
func (p *dockerPart) LinesBefore(ctx context.Context) (int64, error) {
	return p.lines(ctx, p.off)
}

// LinesTo is the number of the container's lines before the end of a piece of its log; 0
// for any other part.
func LinesTo(ctx context.Context, part logs.Part) (int64, error) {
	if p, ok := part.(*dockerPart); ok {
		return p.lines(ctx, p.to)
	}
	return 0, nil
}

// lines counts the lines before the piece that starts at or after off.
func (p *dockerPart) lines(ctx context.Context, off int64) (n int64, err error) {
	text, err := p.opened()
	if err != nil {
		return 0, err
	}
	if p.text == nil {
		defer text.Close()
	}
	if off > 0 && off < p.end {
		off = dockerStart(text, off, p.end)
	}
	lines := bufio.NewReaderSize(contextReader{ctx, io.NewSectionReader(text, 0, off)}, 256<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 && logline.EndsLine(bytes.TrimSuffix(line, []byte{'\n'})) {
			n++
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// Pieces are the parts of a long container log, so that first hits need not wait for the
// rest to be unwrapped; nil if the file is not such a log.
func (f *File) Pieces() []logs.Part {
	file, open, size, err := opened(f.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if open != nil || size < 2*commandPiece || !logline.IsWrapped(headBytes(file)) {
		return nil
	}
	var out []logs.Part
	for off := int64(0); off < size; off += commandPiece {
		out = append(out, &dockerPart{f.path, nil, off, min(off+commandPiece, size), size})
	}
	return out
}

// commandPiece is the size that is unwrapped at a time when a whole log is read; tests
// reduce it.
var commandPiece int64 = 16 << 20

// openPlain opens a file's original text, uncompressed.
func openPlain(ctx context.Context, path string) (logs.Text, error) {
	file, open, size, err := opened(path)
	if err != nil || open == nil {
		return textOf(file, size), err
	}
	defer file.Close()
	r, err := open(file)
	if err != nil {
		return nil, damaged(path, err)
	}
	return spoolPlain(ctx, path, r)
}

func textOf(file *os.File, size int64) logs.Text {
	if file == nil {
		return nil
	}
	return newFileText(file, size)
}
