package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
)

// BinlogFolder is the folder at a copy, below that of the backups, in which the
// archive of the binary log is kept.
const BinlogFolder = "binlog"

// OpenBinlog makes the store of a copy's binary logs.
func OpenBinlog(c config.Copy) (Store, error) {
	c.Target = strings.TrimRight(c.Target, "/") + "/" + BinlogFolder
	return Open(c)
}

// Logs keeps a copy of the archive of a binary log, as pieces that never change.
type Logs struct {
	Name   string
	Target string // tells the place from others of that name
	Owner  string // the service: others' pieces are read, and not counted or removed
	Store  Store
	State  string // folder of what is remembered
	Now    func() time.Time
	Report func(ops.Progress) // may be nil
	DryRun bool

	there map[string]bool // the names that the last Look found
}

// LogsSent is what a Send of binary logs did.
type LogsSent struct {
	Pieces  int
	Bytes   int64
	Lost    int // pieces that were there at the last look and are not, though nothing here removed them
	Reaches time.Time
}

// Cut is a piece to send, and its frames.
type Cut struct {
	binlog.Piece
	Open func() (io.ReadCloser, error)
}

// Look lists what the copy holds and remembers it. Descriptions that were read before
// are not read again. A piece counts when its frames are there in their length.
func (l *Logs) Look(ctx context.Context) (now binlog.AtCopy, lost int, err error) {
	now = binlog.AtCopy{Copy: l.Name, Target: l.Target, At: l.Now()}
	list, err := l.Store.List(ctx)
	if err != nil {
		return now, 0, err
	}
	before, err := binlog.ReadAtCopy(l.State, l.Name, l.Target)
	if err != nil {
		return now, 0, err
	}
	known := map[string]binlog.Piece{}
	for _, p := range before.Pieces {
		known[p.Description()] = p
	}
	size := map[string]int64{}
	l.there = map[string]bool{}
	for _, o := range list {
		size[o.Name] = o.Size
		l.there[o.Name] = true
	}
	for _, o := range list {
		if !strings.HasSuffix(o.Name, binlog.PieceSuffix) {
			continue
		}
		p, seen := known[o.Name]
		if !seen {
			if p, err = l.describe(ctx, o.Name); err != nil {
				if ctx.Err() != nil || ops.CodeOf(err) == ops.Busy {
					return now, 0, err
				}
				continue // not one of ours: as if it were not there
			}
		}
		if n, here := size[p.Name]; p.Name != "" && (!here || n != p.SizeBytes) {
			continue
		}
		delete(known, o.Name)
		p.Frames = nil
		now.Pieces = append(now.Pieces, p)
	}
	for _, p := range known {
		if p.Owner == l.Owner {
			lost++
		}
	}
	slices.SortFunc(now.Pieces, func(a, b binlog.Piece) int {
		return strings.Compare(a.Description(), b.Description())
	})
	return now, lost, l.remember(now)
}

func (l *Logs) remember(a binlog.AtCopy) error {
	if l.DryRun {
		return nil
	}
	return binlog.WriteAtCopy(l.State, a)
}

func (l *Logs) describe(ctx context.Context, name string) (binlog.Piece, error) {
	var data bytes.Buffer
	if err := l.Store.Get(ctx, name, &data); err != nil {
		return binlog.Piece{}, err
	}
	p, err := binlog.ReadPiece(data.Bytes())
	if err == nil && p.Description() != name {
		err = fmt.Errorf("%s describes %s", name, p.Name)
	}
	return p, err
}

// Describe reads a piece's description with its frames.
func (l *Logs) Describe(ctx context.Context, p binlog.Piece) (binlog.Piece, error) {
	whole, err := l.describe(ctx, p.Description())
	if err == nil && (whole.FromPos != p.FromPos || whole.ToPos != p.ToPos || whole.SHA256 != p.SHA256) {
		err = differs(p.Name, l.Name)
	}
	return whole, err
}

// Frames writes a piece's frames to w.
func (l *Logs) Frames(ctx context.Context, p binlog.Piece, w io.Writer) error {
	return l.Store.Get(ctx, p.Name, w)
}

// Mine are the pieces that this service's archive sent.
func (l *Logs) Mine(a binlog.AtCopy) (mine []binlog.Piece) {
	for _, p := range a.Pieces {
		if p.Owner == l.Owner {
			mine = append(mine, p)
		}
	}
	return mine
}

// Send sends pieces in their order, each read back before its description follows. at
// is what Look found; it is kept up to date, so that what was sent counts even when a
// later piece fails.
func (l *Logs) Send(ctx context.Context, at *binlog.AtCopy, cuts []Cut, out *LogsSent) error {
	for _, c := range cuts {
		if !l.DryRun {
			if err := l.send(ctx, &c); err != nil {
				return err
			}
			c.Checked = l.Now()
			piece := c.Piece
			piece.Frames = nil
			at.Pieces = slices.DeleteFunc(at.Pieces, func(p binlog.Piece) bool {
				return p.Description() == piece.Description()
			})
			at.Pieces = append(at.Pieces, piece)
			if err := l.remember(*at); err != nil {
				return err
			}
		}
		out.Pieces++
		out.Bytes += c.SizeBytes
	}
	return nil
}

func (l *Logs) send(ctx context.Context, c *Cut) error {
	if c.Name != "" {
		if err := l.frames(ctx, c); err != nil {
			return err
		}
	}
	text, err := binlog.WritePiece(&c.Piece)
	if err != nil {
		return err
	}
	if l.there[c.Description()] { // it could not be read, or its frames were bad
		if err := l.Store.Remove(ctx, c.Description()); err != nil {
			return err
		}
	}
	_, _, err = l.Store.PutStream(ctx, c.Description(), bytes.NewReader(text))
	return err
}

// frames sends a piece's frames. What is under its name without a description is left
// of a try that was stopped: its name says its contents, so it is read back first.
func (l *Logs) frames(ctx context.Context, c *Cut) error {
	if l.there[c.Name] {
		if hash, err := l.Store.Hash(ctx, c.Name); err != nil || hash == c.SHA256 {
			return err
		}
		if err := l.Store.Remove(ctx, c.Name); err != nil {
			return err
		}
	}
	in, err := c.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if _, _, err := l.Store.PutStream(ctx, c.Name, l.metered(c, in)); err != nil {
		return err
	}
	hash, err := l.Store.Hash(ctx, c.Name)
	if err == nil && hash != c.SHA256 {
		err = errors.Join(differs(c.Name, l.Name), l.Store.Remove(ctx, c.Name))
	}
	return err
}

// metered tells how far a piece is.
func (l *Logs) metered(c *Cut, in io.Reader) io.Reader {
	if l.Report == nil {
		return in
	}
	return &outgoing{Reader: in, tell: func(done int64) {
		l.Report(ops.Progress{Phase: "copy", Object: c.Segment.File, Done: done, Total: c.SizeBytes, Unit: "bytes"})
	}}
}

type outgoing struct {
	io.Reader
	done int64
	tell func(int64)
}

func (o *outgoing) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	o.done += int64(n)
	o.tell(o.done)
	return n, err
}

// LogsVerified is what reading pieces back found.
type LogsVerified struct {
	Good int
	Bad  []binlog.Piece
}

// Verify reads pieces back at the copy, those first whose bytes were read back longest
// ago or never, up to so many bytes but at least one; limit 0 reads all. The good ones
// are remembered as read back now. The bad ones do not count any more: the next Send
// brings them again while the archive here has them. One whose part of the log others hold is
// not told.
func (l *Logs) Verify(ctx context.Context, at *binlog.AtCopy, limit int64) (v LogsVerified, err error) {
	order := make([]int, len(at.Pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return at.Pieces[a].Checked.Compare(at.Pieces[b].Checked) })
	left := limit
	looked := map[string]bool{}
	for n, i := range order {
		p := &at.Pieces[i]
		if left -= p.SizeBytes; limit > 0 && left < 0 && n > 0 {
			break
		}
		good, err := l.good(ctx, p)
		if err != nil {
			return v, errors.Join(err, l.remember(*at))
		}
		p.Checked = l.Now()
		p.Bad = !good
		if good {
			v.Good++
		}
		looked[p.Description()] = true
	}
	for _, p := range at.Damaged() {
		if looked[p.Description()] {
			v.Bad = append(v.Bad, p)
		}
	}
	return v, l.remember(*at)
}

// Spoiled records that a piece was read and differs from what was sent.
func (l *Logs) Spoiled(at *binlog.AtCopy, piece binlog.Piece) error {
	at.MarkBad(piece)
	return l.remember(*at)
}

func (l *Logs) good(ctx context.Context, p *binlog.Piece) (bool, error) {
	if p.Name == "" {
		return true, nil
	}
	hash, err := l.Store.Hash(ctx, p.Name)
	return hash == p.SHA256, err
}

// Drop removes pieces for good. What object lock protects stays.
func (l *Logs) Drop(ctx context.Context, at *binlog.AtCopy, pieces []binlog.Piece) (locked int, err error) {
	for _, p := range pieces {
		// Its description goes first: without one a piece is nothing.
		for _, name := range []string{p.Description(), p.Name} {
			if name == "" {
				continue
			}
			err := l.Store.Remove(ctx, name)
			var held *lockedError
			if errors.As(err, &held) {
				locked++
				break
			}
			if err != nil {
				return locked, errors.Join(err, l.remember(*at))
			}
			at.Pieces = slices.DeleteFunc(at.Pieces, func(o binlog.Piece) bool {
				return o.Description() == p.Description()
			})
		}
	}
	return locked, l.remember(*at)
}

// Retired are the pieces of this service that no backup at the copy needs: those of
// files that end before the oldest full one there.
func (l *Logs) Retired(a binlog.AtCopy, oldest time.Time, at *binlog.Position) (gone []binlog.Piece) {
	of := map[string][]*binlog.Segment{}
	files := map[string]bool{}
	for _, c := range binlog.Chains(l.Mine(a)) {
		of[c.Segment.Server] = append(of[c.Segment.Server], c.Segment)
	}
	for _, segments := range of {
		for _, s := range binlog.Retire(segments, oldest, at) {
			files[s.Server+"\x00"+s.File+"\x00"+s.Identity] = true
		}
	}
	for _, p := range l.Mine(a) {
		if files[p.Segment.Server+"\x00"+p.Segment.File+"\x00"+p.Segment.Identity] || p.Bad && p.ToTime.Before(oldest) {
			gone = append(gone, p)
		}
	}
	return gone
}

// Nothing is the error that says that the copy has no archive of a binary log.
func (l *Logs) Nothing() error {
	return ops.E(ops.Failed, lang.M("the copy %s has no binlog", l.Name)).
		WithHint(lang.M("send it from the machine that archives it: opsdeck backup sync"))
}
