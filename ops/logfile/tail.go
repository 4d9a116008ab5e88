package logfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/logs"
)

// Sink receives the events of a followed log. Its methods are called from one goroutine
// per log.
type Sink interface {
	// Begin starts a new text, to be read from its start; or, for the text that existed when
	// following started, from its end at that time.
	Begin(name string, text logs.Text) Track
}

// Track is one followed text.
type Track interface {
	// Grow reports that whole lines end at size, or, if quiet, that nothing followed half a
	// line for a while. What was read up to there is valid if same confirms it afterwards:
	// otherwise the file was truncated during the read. It returns whether the text was taken,
	// or will be.
	Grow(size int64, same func() bool) bool
	// Settle reports that the half line which Grow told of did not go on for so long that it
	// counts as a whole one. It returns whether the text was taken.
	Settle(same func() bool) bool
	// Swap tells to read the same text from elsewhere.
	Swap(text logs.Text)
	// End reports that the text will not grow any more.
	End()
	// Lost reports that the text is gone, including everything not read yet but the half line
	// at its end, which can still be read.
	Lost()
}

// Times of following.
const (
	pollEvery  = 250 * time.Millisecond // without change notifications
	shortest   = 15 * time.Millisecond  // between two checks
	quietAfter = 400 * time.Millisecond // half a line is shown after this time
	halfFor    = 10 * time.Second       // half a line counts as a whole one after this time
	drainFor   = 10 * time.Second       // a renamed file may still be written to
	goneAfter  = 5 * time.Second        // a file that is away for so long is said to be
	printBytes = 256                    // bytes of a text's start that identify it
	maxKnown   = 4000                   // texts
	maxHeld    = 50                     // renamed files held open
)

// Tail follows one file by its name: appended to, truncated after a copy, renamed, deleted
// and recreated. Every line is delivered once, in the order of writing.
type Tail struct {
	path    string
	sink    Sink
	cur     *tracked
	old     []*tracked         // renamed, perhaps still written to
	texts   []known            // texts that were delivered
	again   bool               // a generation was still being written
	checked map[string]checked // generations that need not be checked again
	failed  func(error)        // may be nil
	unread  bool               // failed was called because the file cannot be read
	back    func()             // may be nil
	missing time.Time          // since when no file has the name; zero if one has
	before  []logs.Part        // generations that existed before
	beside  []*Tail            // that are followed too, itself among them
}

// NewTail prepares to follow the file at path. Existing rotated generations are ignored.
func NewTail(path string, sink Sink) *Tail { return tailSince(path, sink, time.Now()) }

// tailSince ignores only generations that were last written before since.
func tailSince(path string, sink Sink, since time.Time) *Tail {
	t := &Tail{path: path, sink: sink, checked: map[string]checked{}}
	live, _ := os.Stat(path)
	for _, g := range t.generations() {
		info, err := os.Stat(g.path)
		if err != nil || live != nil && os.SameFile(live, info) { // to which the live file's name is a link
			continue
		}
		if !info.ModTime().After(since) {
			t.check(g.path, info)
			t.before = append(t.before, NewFile(g.path))
			if !g.packed {
				t.know(knownFile(g.path, info.Size()))
			}
		}
	}
	return t
}

// Before are the rotated generations that existed when following started and are not
// delivered to the sink, oldest first.
func (t *Tail) Before() []logs.Part { return t.before }

// OnError makes the tail call failed, once until the file can be read again, if the file
// exists and cannot be read. It is called from Look.
func (t *Tail) OnError(failed func(error)) { t.failed = failed }

// OnBack makes the tail call back when what OnError was told no longer holds.
func (t *Tail) OnBack(back func()) { t.back = back }

// complain reports why the file cannot be read.
func (t *Tail) complain(err error) {
	if t.failed != nil && !t.unread && err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.unread = true
		t.failed(err)
	}
}

// gone reports that the file that was followed is away for longer than a rotation takes.
func (t *Tail) gone(now time.Time) {
	if t.missing.IsZero() {
		t.missing = now
	}
	if now.Sub(t.missing) >= goneAfter {
		t.complain(ops.E(ops.Failed, lang.M("%s is gone; waiting for it to come back", t.path)))
	}
}

// there notes that the file can be read.
func (t *Tail) there() {
	t.missing = time.Time{}
	if t.unread && t.back != nil {
		t.back()
	}
	t.unread = false
}

// Look checks the file once and reports changes to the sink.
func (t *Tail) Look() {
	now := time.Now()
	keep := t.old[:0]
	for i, o := range t.old {
		if o.take(now); now.Before(o.until) && len(t.old)-i <= maxHeld {
			keep = append(keep, o)
			continue
		}
		o.finish()
		t.know(o.known())
	}
	t.old = keep
	switch {
	case t.cur == nil: // the file may have been created and rotated unseen
		t.adopt(now, nil)
	case !t.cur.same():
		t.truncated(now)
	case t.cur.size == 0: // the file may have been written and rotated unseen
		t.takeFirst(now)
		t.adopt(now, nil)
	case t.again:
		t.adopt(now, nil)
	}
	info, err := os.Stat(t.path)
	if err != nil || !info.Mode().IsRegular() {
		t.away(now, info, err)
		return
	}
	if t.cur != nil {
		if t.cur.info != nil && os.SameFile(info, t.cur.info) {
			t.there()
			t.cur.take(now)
			return
		}
		t.renamed(now)
	}
	if t.elsewhere(info) || t.resume(info, now) {
		t.there()
		return
	}
	t.open(now)
}

// elsewhere reports whether the name is that of a link to a file that is followed by its own.
func (t *Tail) elsewhere(info fs.FileInfo) bool {
	if len(t.beside) < 2 || !isLink(t.path) {
		return false
	}
	for _, o := range t.beside {
		if o == t {
			continue
		}
		if o.held(info) {
			return true
		}
		if is, err := os.Stat(o.path); err == nil && os.SameFile(is, info) && !isLink(o.path) {
			return true
		}
	}
	return false
}

// resume goes on with a file that is still held open: a link leads to it now, or it has its name
// again.
func (t *Tail) resume(info fs.FileInfo, now time.Time) bool {
	for i, o := range t.old {
		if o.info != nil && os.SameFile(info, o.info) {
			t.old = slices.Delete(t.old, i, i+1)
			t.cur = o
			t.cur.copied = false
			t.cur.take(now)
			return true
		}
	}
	return false
}

// away handles that no regular file has the name: what we hold open may still grow.
func (t *Tail) away(now time.Time, info fs.FileInfo, err error) {
	if t.cur != nil {
		t.cur.take(now)
	}
	switch {
	case err == nil:
		t.complain(notRegular(t.path, info.Mode()))
	case t.cur != nil && errors.Is(err, fs.ErrNotExist):
		t.gone(now)
	default:
		t.complain(readError(t.path, err))
	}
}

// open starts with the file that has the name now.
func (t *Tail) open(now time.Time) {
	f, err := regular.Open(t.path)
	if err != nil {
		t.complain(readError(t.path, err))
		return
	}
	if err := packedError(t.path, headBytes(f)); err != nil {
		t.complain(err)
		f.Close()
		return
	}
	t.there()
	t.cur = t.begin(t.path, f, now)
	t.takeFirst(now)
}

// takeFirst takes the start of the file. It may be known already from a copy that was made
// before the file is truncated: then the part that the copy delivered is skipped, and the
// copy delivers no more.
func (t *Tail) takeFirst(now time.Time) {
	k := t.cur
	for i, o := range t.old {
		if o.copied && o.known().begins(k.file) {
			k.skipTo(o.grownTo)
			o.End()
			t.old = append(t.old[:i:i], t.old[i+1:]...)
			k.take(now)
			return
		}
	}
	for i := len(t.texts) - 1; i >= 0; i-- {
		if o := t.texts[i]; o.copied && o.begins(k.file) {
			k.skipTo(o.size)
			break
		}
	}
	k.take(now)
}

func (t *Tail) begin(name string, f *os.File, now time.Time) *tracked {
	info, err := f.Stat()
	if err != nil {
		info = nil
	}
	text := &liveText{f: f}
	return &tracked{Track: t.sink.Begin(name, text), text: text, file: f, info: info, since: now}
}

// renamed handles that the name belongs to another file, or will. What was written to ours
// before and since is read from the file we hold open.
func (t *Tail) renamed(now time.Time) {
	if !t.cur.same() { // and truncated before
		t.truncated(now)
		return
	}
	t.cur.take(now)
	t.retire(t.cur, now)
	t.cur = nil
	t.adopt(now, nil)
}

// retire follows a renamed file for a while longer.
func (t *Tail) retire(k *tracked, now time.Time) {
	k.until = now.Add(drainFor)
	t.old = append(t.old, k)
}

// adopt reads the generations that appeared and were rotated between two checks. mine,
// which was copied and truncated, continues in its copy; the result tells whether there is
// one.
func (t *Tail) adopt(now time.Time, mine *tracked) (found bool) {
	t.again = false
	for _, g := range t.generations() {
		info, err := os.Stat(g.path)
		if err != nil {
			continue
		}
		if t.looked(g.path, info) {
			continue
		}
		if t.held(info) {
			// The current one may turn out to have been truncated before.
			if t.cur == nil || !os.SameFile(t.cur.info, info) {
				t.check(g.path, info)
			}
			continue
		}
		text, err := openPlain(context.Background(), g.path)
		switch {
		case text == nil:
			t.again = t.again || err != nil && !errors.Is(err, fs.ErrNotExist) && now.Sub(info.ModTime()) < drainFor
			continue
		case text.Size() == 0 || err != nil && now.Sub(info.ModTime()) < drainFor: // still being written
			t.again = t.again || now.Sub(info.ModTime()) < drainFor
			text.Close()
			continue
		case mine != nil && !found && mine.continues(text):
			found = mine.moveTo(text)
			t.know(mine.known())
		case t.cur != nil && (t.cur.continues(text) || prefix(text, text.Size(), t.cur.file)):
			text.Close()
			continue // a copy in progress of what we are reading
		case t.tells(text):
			text.Close()
		case !t.read(g, text, now):
			t.again = true
			continue
		}
		t.check(g.path, info)
	}
	return found
}

// held reports whether we hold the file open.
func (t *Tail) held(info fs.FileInfo) bool {
	for _, o := range append(t.old[:len(t.old):len(t.old)], t.cur) {
		if o != nil && o.info != nil && os.SameFile(o.info, info) {
			return true
		}
	}
	return false
}

// read takes a generation that we never saw under its live name.
func (t *Tail) read(g generation, text logs.Text, now time.Time) bool {
	if !g.packed {
		text.Close()
		f, err := regular.Open(g.path)
		if err != nil {
			return false
		}
		k := t.begin(g.path, f, now)
		k.copied = true
		k.take(now)
		t.retire(k, now)
		return true
	}
	k := knownText(text, text.Size())
	k.copied = true
	t.know(k)
	track := t.sink.Begin(g.path, text)
	track.Grow(text.Size(), always)
	track.End()
	return true
}

// truncated handles a file that starts again from its beginning. What we had not read yet is in the copy, if
// there is one.
func (t *Tail) truncated(now time.Time) {
	mine := t.cur
	t.cur = nil
	if !t.adopt(now, mine) {
		t.know(mine.known()) // a copy under another name may follow
		mine.lose()
	}
	mine.file.Close()
}

// generations are the rotated files next to the followed one, oldest first.
func (t *Tail) generations() (out []generation) {
	dir := filepath.Dir(t.path)
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, n := range names {
		g := nameOf(filepath.Join(dir, n.Name()))
		if inner, ok := innerOf(g); ok && inner.live == t.path {
			g = inner
		}
		if g.live == t.path && g.path != t.path {
			out = append(out, g)
		}
	}
	return sortGenerations(out)
}

// Close ends following: half lines are delivered unchanged.
func (t *Tail) Close() {
	t.Look()
	for _, o := range t.old {
		o.finish()
	}
	if t.cur != nil {
		t.cur.finish()
	}
}
