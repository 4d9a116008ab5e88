package logfile

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"

	"opsdeck/ops/logs"
)

// Docker's json-file logs are read as what the container wrote: unwrapped into a
// spool, lines that Docker split joined again; what is not in UTF-8 is written
// anew in the same way.

// unwrapper writes what the container wrote to w. It takes wrapped lines in
// pieces of any size.
type unwrapper struct {
	w    io.Writer
	d    logs.Docker
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

// Close writes what has no line break.
func (u *unwrapper) Close() error {
	out := u.out[:0]
	if len(u.half) > 0 {
		out, u.half = u.d.Unwrap(out, u.half), nil
	}
	_, err := u.w.Write(u.d.Rest(out))
	return err
}

// dockerTail is how much of a live log's end is unwrapped before anything is shown;
// dockerPiece how much of what lies before is unwrapped at a time.
const (
	dockerTail  = 1 << 20
	dockerPiece = 64 << 20
)

// older takes the pieces of a text that lie before what is followed, or says that
// it does not any more.
type older func(pieces []logs.Part) bool

// Unwrapped is a sink that gets the container's lines of texts that Docker's
// json-file driver writes, those in GBK and UTF-16 in UTF-8, and every other text
// as it is.
func Unwrapped(sink Sink) Sink { return unwrapped{sink, nil} }

type unwrapped struct {
	Sink
	older older // when nil, texts are unwrapped whole at once
}

func (u unwrapped) Begin(name string, text logs.Text) Track {
	sp, err := newSpool()
	if err != nil {
		return u.Sink.Begin(name, text)
	}
	t := &unwrappedTrack{text: text, spool: sp}
	head := headBytes(text)
	if t.unwrap = reader(head, sp); len(head) == 0 && strings.HasSuffix(name, "-json.log") {
		t.unwrap = &unwrapper{w: sp} // Docker's, with nothing in it yet
	}
	if t.unwrap == nil {
		sp.Close()
		return u.Sink.Begin(name, text)
	}
	end := logs.LastBreak(text, text.Size())
	if u.older != nil && end > 2*dockerTail && logs.IsDocker(head) {
		if at := dockerStart(text, end-dockerTail, end); u.older(dockerPieces(name, text, at)) {
			t.done = at
		}
	}
	t.read(end, nil)
	t.Track = u.Sink.Begin(name, sp)
	return t
}

// unwrappedTrack unwraps what comes.
type unwrappedTrack struct {
	Track
	text   logs.Text
	spool  *spool
	unwrap io.WriteCloser
	done   int64 // of text
}

func (t *unwrappedTrack) Grow(size int64, same func() bool) bool {
	good := t.read(size, same)
	// Half a line comes when nothing came behind it for a while; of whole ones the
	// last may lack a part of its break, in UTF-16.
	end, last := t.spool.Size(), make([]byte, 1)
	if n, _ := t.text.ReadAt(last, t.done-1); n == 1 && last[0] == '\n' {
		end = logs.LastBreak(t.spool, end)
	}
	return t.Track.Grow(end, nil) && good
}

// read unwraps up to size, a piece at a time, each only when it was read from the
// text that it should be of.
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

// Swap goes on in a copy.
func (t *unwrappedTrack) Swap(text logs.Text) { t.text = text }

// End passes on what has no end.
func (t *unwrappedTrack) End() {
	if t.unwrap.Close() == nil {
		t.Track.Grow(t.spool.Size(), nil)
	}
	t.Track.End()
}

// dockerStart is where the first line begins at or after off with which a line of
// the container begins too; end when there is none.
func dockerStart(r io.ReaderAt, off, end int64) int64 {
	buf := make([]byte, 256<<10) // some lines, each at most 16 kB before JSON's escapes
	for off < end {
		text := buf[:min(int64(len(buf)), end-off)]
		if n, _ := r.ReadAt(text, off); n < len(text) {
			return end
		}
		last := 0
		for i := range bytes.Count(text, []byte{'\n'}) {
			line := text[last : last+bytes.IndexByte(text[last:], '\n')]
			if last += len(line) + 1; i > 0 || len(line) > 200 { // enough of it is seen
				if logs.DockerBreak(line) {
					return off + int64(last)
				}
			}
		}
		off += int64(max(last, 1))
		if last == 0 {
			off += int64(len(text)) - 1
		}
	}
	return end
}

// dockerPieces cuts what lies before end into pieces, the oldest first.
func dockerPieces(name string, text logs.Text, end int64) (out []logs.Part) {
	for off := int64(0); off < end; off += dockerPiece {
		out = append(out, &dockerPart{name, text, off, min(off+dockerPiece, end), end})
	}
	return out
}

// dockerPart is a piece of a wrapped text, from the first line at or after off on.
type dockerPart struct {
	name         string
	text         logs.Text
	off, to, end int64
}

func (p *dockerPart) Name() string { return p.name }

func (p *dockerPart) Open(ctx context.Context) (logs.Text, error) {
	off, to := p.off, p.to
	if off > 0 {
		off = dockerStart(p.text, off, p.end)
	}
	if to < p.end {
		to = dockerStart(p.text, to, p.end)
	}
	return spoolFrom(ctx, p.name, io.NewSectionReader(p.text, off, to-off))
}

// openPlain opens a file as it was written, unpacked.
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
