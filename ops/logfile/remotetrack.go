package logfile

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// remoteFollow follows the files of one remoteTail: its own, and for the one that watches,
// new files that match the pattern.
type remoteFollow struct {
	tail   *remoteTail
	w      *Lines
	first  int64
	tracks map[string]*remoteTrack // by the live file's path
	order  []string
	before map[string]bool // live files of the first check: others follow them
	last   *remotePiece    // the last one written, and whether it ended a line
	half   bool
}

// look lists the files and reads what is new.
func (f *remoteFollow) look(ctx context.Context) error {
	t := f.tail
	var patterns []string
	if t.live != "" {
		patterns = append(patterns, siblings(t.live))
	}
	if t.live == "" || t.watches {
		patterns = append(patterns, t.glob)
	}
	for _, path := range f.order {
		patterns = append(patterns, siblings(path))
	}
	files, err := t.host.list(ctx, patterns...)
	if err != nil {
		return err
	}
	f.discover(files)
	for _, path := range f.order {
		if err := f.tracks[path].step(ctx, ofLive(files, path)); err != nil {
			return err
		}
	}
	return nil
}

// discover starts tracks for new live files.
func (f *remoteFollow) discover(files []remoteStat) {
	t := f.tail
	add := func(path string, whole bool) {
		if f.tracks[path] == nil {
			f.tracks[path] = &remoteTrack{follow: f, live: path, whole: whole}
			f.order = append(f.order, path)
		}
	}
	if t.live != "" {
		add(t.live, false)
	}
	first := f.before == nil
	if first {
		f.before = map[string]bool{}
	}
	if t.live != "" && !t.watches {
		return
	}
	for _, file := range onceThere(files) {
		g := nameOf(file.path)
		if g.key != "" || f.owns(file) {
			continue
		}
		switch {
		case t.live == "":
			add(file.path, false)
		case first:
			f.before[file.path] = true
		case !f.before[file.path]:
			add(file.path, true)
		}
	}
}

// owns reports whether a file is followed by another name.
func (f *remoteFollow) owns(file remoteStat) bool {
	for _, path := range f.order {
		if path != file.path && f.tracks[path].owns(file) {
			return true
		}
	}
	return false
}

// ofLive are the files that belong to a live file's log.
func ofLive(files []remoteStat, live string) (out []remoteStat) {
	for _, file := range files {
		g := nameOf(file.path)
		if inner, ok := innerOf(g); ok && inner.live == live {
			g = inner
		}
		if g.live == live {
			out = append(out, file)
		}
	}
	return out
}

// write passes text on. If another file follows half a line, the line ends there.
func (f *remoteFollow) write(p *remotePiece, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if f.half && f.last != p {
		text = append([]byte{'\n'}, text...)
	}
	f.last = p
	f.half = text[len(text)-1] != '\n'
	_, err := f.w.Write(text)
	return err
}

// remotePiece is one text of a log: a file, whatever its current name.
type remotePiece struct {
	ident      string
	off        int64
	head, tail []byte // its first bytes, and those before off
	looks      int    // since another file replaced it
}

// How much of a text identifies it, and how long a rotated one may still grow.
const (
	headBytesKept = 256
	tailBytesKept = 64
	remoteLinger  = 60 // checks
	remoteChunk   = 4 << 20
)

// remoteTrack follows one log through its rotations: renamed, copied and truncated,
// compressed.
type remoteTrack struct {
	follow *remoteFollow
	live   string
	whole  bool // from its start: it is new
	pieces []*remotePiece
	known  map[string]remoteStat // by ident, at the previous check
	begun  bool
	packed string // ident of a live file that is not followed
}

// follows reports whether a live file is text; of one that is not it says so once.
func (t *remoteTrack) follows(ctx context.Context, live *remoteStat) (bool, error) {
	if live == nil || live.ident == t.packed {
		return false, nil
	}
	h := t.follow.tail.host
	head, err := h.head(ctx, live.path)
	if err != nil {
		return false, err
	}
	err = packedError(h.url(live.path), head)
	if err != nil {
		t.packed = live.ident
		t.follow.w.Warn(err)
	}
	return err == nil, nil
}

// step reads what is new since the previous check.
func (t *remoteTrack) step(ctx context.Context, files []remoteStat) error {
	byIdent := map[string]remoteStat{}
	var live *remoteStat
	for i, file := range files {
		byIdent[file.ident] = file
		if file.path == t.live {
			live = &files[i]
		}
	}
	if !t.begun {
		if text, err := t.follows(ctx, live); err != nil || !text {
			return err
		}
		if err := t.begin(ctx, *live); err != nil {
			return err
		}
		t.begun, t.known = true, byIdent
		return nil
	}
	fresh := t.fresh(files)
	kept := t.pieces[:0:0]
	var anew []*remotePiece
	for i, p := range t.pieces {
		var err error
		was := p.off
		file, there := byIdent[p.ident]
		switch {
		case there && p.off == 0 && file.path == t.live: // files rotated meanwhile come first
			anew = append(anew, p)
			continue
		case there:
			fresh, err = t.goOn(ctx, p, file, files, fresh)
		default:
			fresh, err = t.vanished(ctx, p, files, fresh)
		}
		if err != nil {
			return err
		}
		if i < len(t.pieces)-1 || live == nil || live.ident != p.ident {
			p.looks++
		}
		switch {
		case there && p.off == 0 && was > 0: // restarted
			anew = append(anew, p)
		case there && p.looks < remoteLinger:
			kept = append(kept, p)
		}
	}
	t.pieces = kept
	if err := t.between(ctx, fresh, byIdent); err != nil {
		return err
	}
	// A rewritten file comes last: its ident may be that of a text that was compressed
	// meanwhile.
	for _, p := range anew {
		p.looks = 0
		t.pieces = append(t.pieces, p)
		if err := t.grow(ctx, p, byIdent[p.ident], byIdent[p.ident].size); err != nil {
			return err
		}
	}
	if live != nil && !t.owns(*live) {
		if text, err := t.follows(ctx, live); err != nil {
			return err
		} else if text {
			p := &remotePiece{ident: live.ident}
			t.pieces = append(t.pieces, p)
			if err := t.grow(ctx, p, *live, live.size); err != nil {
				return err
			}
		}
	}
	t.known = byIdent
	return nil
}

// begin starts near the end of the live file, at the start of a line.
func (t *remoteTrack) begin(ctx context.Context, live remoteStat) error {
	p := &remotePiece{ident: live.ident}
	h := t.follow.tail.host
	if first := t.follow.first; !t.whole && live.size > first {
		if first == remoteFirst {
			t.follow.w.Warn(ops.E(ops.Failed, lang.M("only the newest %s of %s are read; "+
				"`opsdeck logs` reads all of it", human.Bytes(first), h.url(live.path))))
		}
		var head, near bytes.Buffer
		if err := h.read(ctx, live.path, false, 0, headBytesKept, &head); err != nil {
			return err
		}
		if err := h.read(ctx, live.path, false, live.size-first, first, &near); err != nil {
			return err
		}
		i := bytes.IndexByte(near.Bytes(), '\n') + 1
		p.head = head.Bytes()
		p.off = live.size - first + int64(i)
		p.tail = bytes.Clone(near.Bytes()[max(0, i-tailBytesKept):i])
	}
	t.pieces = append(t.pieces, p)
	return t.grow(ctx, p, live, live.size)
}

// fresh are files that are new since the previous check, except the live one, oldest
// first.
func (t *remoteTrack) fresh(files []remoteStat) (out []remoteStat) {
	for _, file := range files {
		was, ok := t.known[file.ident]
		same := ok && file.size >= was.size && file.written >= was.written
		if file.path != t.live && !same && !t.owns(file) {
			out = append(out, file)
		}
	}
	slices.SortStableFunc(out, func(a, b remoteStat) int { return cmp.Compare(a.written, b.written) })
	return out
}

// owns reports whether a file is one of the pieces.
func (t *remoteTrack) owns(file remoteStat) bool {
	return slices.ContainsFunc(t.pieces, func(p *remotePiece) bool { return p.ident == file.ident })
}

// grow reads a piece up to a size.
func (t *remoteTrack) grow(ctx context.Context, p *remotePiece, file remoteStat, size int64) error {
	for p.off < size {
		n := min(size-p.off, remoteChunk)
		var text bytes.Buffer
		if err := t.follow.tail.host.read(ctx, file.path, false, p.off, n, &text); err != nil {
			return err
		}
		if text.Len() == 0 {
			return nil // truncated meanwhile: the next check handles it
		}
		if err := t.take(p, text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// take passes on a piece's content from its read position.
func (t *remoteTrack) take(p *remotePiece, text []byte) error {
	if len(p.head) < headBytesKept && p.off == int64(len(p.head)) {
		p.head = append(p.head, text[:min(len(text), headBytesKept-len(p.head))]...)
	}
	p.off += int64(len(text))
	p.tail = append(p.tail, text[max(0, len(text)-tailBytesKept):]...)
	p.tail = bytes.Clone(p.tail[max(0, len(p.tail)-tailBytesKept):])
	return t.follow.write(p, text)
}

// goOn reads what was appended to an existing piece. A piece that is shorter now, or
// differs before its read position, was copied and truncated: the copy has the rest, and
// the piece restarts.
func (t *remoteTrack) goOn(
	ctx context.Context, p *remotePiece, file remoteStat, files, fresh []remoteStat,
) ([]remoteStat, error) {
	if file.size == p.off && t.known[p.ident].stamp == file.stamp {
		return fresh, nil
	}
	if file.size >= p.off {
		same, err := t.is(ctx, p, file, false)
		if err != nil {
			return fresh, err
		}
		if same {
			return fresh, t.grow(ctx, p, file, file.size)
		}
	}
	fresh, found, err := t.rest(ctx, p, files, fresh)
	if err != nil {
		return fresh, err
	}
	if !found {
		t.follow.w.Warn(ops.E(ops.Failed, lang.M(
			"%s was truncated, and there is no copy of it: lines written since the last read may be lost",
			t.follow.tail.host.url(t.live))))
	}
	p.off = 0
	p.head = nil
	p.tail = nil
	if t.follow.last == p {
		t.follow.last = nil // half a line at its end has no rest
	}
	return fresh, nil
}

// vanished looks for the rest of a piece that no longer has a name: it was compressed, or
// removed.
func (t *remoteTrack) vanished(
	ctx context.Context, p *remotePiece, files, fresh []remoteStat,
) ([]remoteStat, error) {
	fresh, found, err := t.rest(ctx, p, files, fresh)
	if err == nil && !found && p.looks == 0 {
		t.follow.w.Warn(ops.E(ops.Failed, lang.M(
			"%s was removed: lines written since the last read may be lost", t.follow.tail.host.url(t.live))))
	}
	return fresh, err
}

// rest continues reading in the file that has a piece's content, and removes it from the
// new files. For a piece of which nothing was read, only a new file qualifies.
func (t *remoteTrack) rest(
	ctx context.Context, p *remotePiece, files, fresh []remoteStat,
) ([]remoteStat, bool, error) {
	candidates := files
	if p.off == 0 {
		candidates = fresh
	}
	for _, file := range candidates {
		packed := nameOf(file.path).packed
		if file.path == t.live || t.owns(file) || !packed && file.size < p.off {
			continue
		}
		same, err := t.is(ctx, p, file, packed)
		if err != nil {
			return fresh, false, err
		}
		if !same {
			continue
		}
		var text bytes.Buffer
		if err := t.follow.tail.host.read(ctx, file.path, packed, p.off, 1<<60, &text); err != nil {
			return fresh, false, err
		}
		left := slices.DeleteFunc(slices.Clone(fresh), func(o remoteStat) bool { return o.path == file.path })
		return left, true, t.take(p, text.Bytes())
	}
	return fresh, false, nil
}

// is reports whether a file starts as a piece does, and has the same content before its
// read position.
func (t *remoteTrack) is(ctx context.Context, p *remotePiece, file remoteStat, packed bool) (bool, error) {
	for _, part := range []struct {
		at   int64
		want []byte
	}{{0, p.head}, {p.off - int64(len(p.tail)), p.tail}} {
		if len(part.want) == 0 {
			continue
		}
		var got bytes.Buffer
		if err := t.follow.tail.host.read(ctx, file.path, packed, part.at, int64(len(part.want)), &got); err != nil {
			return false, err
		}
		if !bytes.Equal(got.Bytes(), part.want) {
			return false, nil
		}
	}
	return true, nil
}

// between reads generations that were created and rotated between two checks. It skips
// copies of a text that is still followed (a copytruncate in progress) and compressed
// copies of a rotated text.
func (t *remoteTrack) between(ctx context.Context, fresh []remoteStat, byIdent map[string]remoteStat) error {
	for _, file := range fresh {
		packed := nameOf(file.path).packed
		if packed && t.written(file) {
			continue
		}
		if copied, err := t.copied(ctx, file, packed, byIdent); err != nil || copied {
			if err != nil {
				return err
			}
			continue
		}
		p := &remotePiece{ident: file.ident, looks: 1}
		var text bytes.Buffer
		if err := t.follow.tail.host.read(ctx, file.path, packed, 0, 1<<60, &text); err != nil {
			return err
		}
		if err := t.take(p, text.Bytes()); err != nil {
			return err
		}
		if !packed {
			t.pieces = slices.Insert(t.pieces, 0, p)
		}
	}
	return nil
}

// copied reports whether a file is a copy, perhaps unfinished, of a text that is followed.
func (t *remoteTrack) copied(
	ctx context.Context, file remoteStat, packed bool, byIdent map[string]remoteStat,
) (bool, error) {
	h := t.follow.tail.host
	for _, p := range t.pieces {
		own, there := byIdent[p.ident]
		if !there || p.off == 0 || len(p.head) == 0 {
			continue
		}
		var head, end, want bytes.Buffer
		if err := h.read(ctx, file.path, packed, 0, int64(len(p.head)), &head); err != nil {
			return false, err
		}
		if !bytes.HasPrefix(p.head, head.Bytes()) {
			continue
		}
		at := p.off - int64(len(p.tail))
		if !packed {
			at = max(0, min(at, file.size-tailBytesKept))
		}
		if err := h.read(ctx, file.path, packed, at, tailBytesKept, &end); err != nil {
			return false, err
		}
		if err := h.read(ctx, own.path, false, at, int64(end.Len()), &want); err != nil {
			return false, err
		}
		if bytes.Equal(end.Bytes(), want.Bytes()) {
			return true, nil
		}
	}
	return false, nil
}

// written reports whether a compressed file was already rotated at the previous check: it
// has that file's modification time, which gzip and others keep, or its name.
func (t *remoteTrack) written(file remoteStat) bool {
	for _, was := range t.known {
		if was.path != t.live && (was.stamp == file.stamp || strings.HasPrefix(file.path, was.path+".")) {
			return true
		}
	}
	return false
}
