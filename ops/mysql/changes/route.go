package changes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// Reasons why a log cannot be read from a backup's position.
var (
	ErrNoStart   = errors.New("no available binlog contains the backup's position")
	ErrAmbiguous = errors.New("several available binlogs contain the backup's position")
)

// UnreadError reports that a backup's position is in a file that the server still has, but
// that is not read: it and the files after it exceed the limit for reading from a server.
type UnreadError struct {
	File string
	Most int64 // limit of bytes read from a server
}

func (e *UnreadError) Error() string {
	return fmt.Sprintf("the server has %s, but no more than %d bytes of its log are read at once", e.File, e.Most)
}

// Is makes it a kind of ErrNoStart.
func (e *UnreadError) Is(target error) bool { return target == ErrNoStart }

// AnotherLogError reports that an available log file has the name in a backup's position,
// but is not proved to be the same file.
type AnotherLogError struct {
	File   string
	Server string // the file's server, as named in the archive
}

func (e *AnotherLogError) Error() string {
	return fmt.Sprintf("%s of server %s is not the binlog that the backup's position refers to", e.File, e.Server)
}

// Is makes it a kind of ErrNoStart.
func (e *AnotherLogError) Is(target error) bool { return target == ErrNoStart }

// UnloggedError reports that the server did not log the changes of a database.
type UnloggedError struct {
	Database string
	Server   string // as named in the archive
	Setting  string // the setting that excludes them: binlog-ignore-db=shop
}

func (e *UnloggedError) Error() string {
	return fmt.Sprintf("the server %s does not log changes of %s: %s", e.Server, e.Database, e.Setting)
}

// Is makes it a kind of ErrNoStart.
func (e *UnloggedError) Is(target error) bool { return target == ErrNoStart }

// Unlogged tells why the newest available log lacks the changes of a database; nil if it
// has them, as far as the settings tell.
func (s *Source) Unlogged(database string) error {
	if s.server != nil {
		return unlogged(s.server.ID, s.server.LeftOut.Setting(database), database)
	}
	if len(s.pieces) == 0 {
		return nil
	}
	last := s.pieces[len(s.pieces)-1]
	return unlogged(last.Server, s.setting(last, database), database)
}

func unlogged(server, setting, database string) error {
	if setting == "" {
		return nil
	}
	return &UnloggedError{Database: database, Server: server, Setting: setting}
}

// setting names the server's setting that excluded a database from a file. If the file
// does not record it, today's setting is used.
func (s *Source) setting(p piece, database string) string {
	if p.LeftOut == nil && s.server != nil && s.server.ID == p.Server {
		return s.server.LeftOut.Setting(database)
	}
	return p.LeftOut.Setting(database)
}

// reaches reports whether the archive alone holds a position.
func (s *Source) reaches(end binlog.Place) bool {
	return slices.ContainsFunc(s.pieces, func(p piece) bool { return holds(p, end) })
}

func holds(p piece, at binlog.Place) bool {
	return p.Server == at.Server && p.Identity == at.Identity && p.File == at.File && at.Pos <= p.ToPos
}

// epochOf is the epoch, among the archive's files, of the server's log that begins with
// start: the archive's last epoch if it continues there, else a new one.
func (s *Source) epochOf(server *format.Server, fetched []*binlog.Segment, start string) int {
	last := s.lastOf(server.ID)
	if last == nil {
		return 0
	}
	another := slices.ContainsFunc(fetched, func(f *binlog.Segment) bool {
		return f.File == last.File && f.Identity != last.Identity
	})
	if !another && (last.Open && last.File == start || last.Next == start) {
		return last.Epoch
	}
	return last.Epoch + 1
}

// Run is a part of one server's log without gaps, starting at a backup's position.
type Run struct {
	src    *Source
	pieces []piece
	From   binlog.Place
	Base   binlog.GTIDs // transactions in the backup, as far as it records them
	Done   binlog.GTIDs // transactions already in the backup, for a start without a position
	Gap    *binlog.Gap  // the gap that ends it before the end of the log; nil if there is none
	Live   bool         // it reaches the server's current end
	// Beyond is the first file of another server's log that continues later: the service moved
	// there. nil if there is none.
	Beyond *binlog.Segment
}

// End is the position where the run ends.
func (r *Run) End() binlog.Place {
	return place(r.pieces[len(r.pieces)-1], r.pieces[len(r.pieces)-1].ToPos)
}

// ToTime is the time of the last commit in the run.
func (r *Run) ToTime() (at time.Time) {
	for _, p := range r.pieces {
		if p.ToTime.After(at) {
			at = p.ToTime
		}
	}
	return at
}

func place(p piece, pos uint64) binlog.Place {
	return binlog.Place{
		Server:   p.Server,
		Identity: p.Identity,
		Epoch:    p.Epoch,
		Position: binlog.Position{File: p.File, Pos: pos},
	}
}

// From finds the log that follows a backup of a database, starting at the first of its
// positions that is available. It ends where the server began to exclude the database from
// its log.
func (s *Source) From(database string, positions []binlog.BackupPosition) (*Run, error) {
	r, err := s.follow(positions)
	if err != nil {
		return nil, err
	}
	return r, r.endUnlogged(database)
}

// endUnlogged cuts a run before the first file that lacks the database's changes.
func (r *Run) endUnlogged(database string) error {
	for i, p := range r.pieces {
		setting := r.src.setting(p, database)
		if setting == "" {
			continue
		}
		if i == 0 {
			return unlogged(p.Server, setting, database)
		}
		last := r.pieces[i-1]
		r.Gap = &binlog.Gap{
			Server:   p.Server,
			FromFile: last.File,
			FromPos:  last.ToPos,
			FromTime: last.ToTime,
			ToFile:   p.File,
			ToPos:    p.FromPos,
			ToTime:   p.FromTime,
			Reason:   binlog.Unlogged,
		}
		r.pieces = r.pieces[:i]
		r.Live = false
		r.Beyond = nil
		return nil
	}
	return nil
}

func (s *Source) follow(positions []binlog.BackupPosition) (*Run, error) {
	var another *AnotherLogError
	for _, position := range positions {
		r, err := s.from(position)
		if r != nil || err != nil && !errors.As(err, &another) {
			return r, err
		}
	}
	for _, position := range positions {
		// A server that took over has the backup's transactions at other positions. MariaDB's
		// GTIDs prove nothing: a server that was reset counts from 1 again.
		if known, err := binlog.ParseGTIDs(position.GTID); err != nil || known.Empty() || known.MariaDB() {
			continue
		}
		position.File, position.Pos = "", 0
		if r, err := s.from(position); r != nil || err != nil && !errors.As(err, &another) {
			return r, err
		}
	}
	for _, position := range positions {
		if slices.Contains(s.unread, position.File) {
			return nil, &UnreadError{File: position.File, Most: int64(mostLive)}
		}
	}
	if another != nil {
		return nil, another
	}
	return nil, ErrNoStart
}

// At is the log from a position on; done are transactions to skip. Of a file that was
// archived twice, before and after its server was put back to a snapshot, the copy of the
// position's epoch is read.
func (s *Source) At(from binlog.Place, done string) (*Run, error) {
	known, err := binlog.ParseGTIDs(done)
	if err != nil {
		return nil, err
	}
	var first *piece
	for i := range s.pieces {
		p := &s.pieces[i]
		if p.FromPos > from.Pos || !holds(*p, from) {
			continue
		}
		if first == nil || first.Epoch != from.Epoch && p.Epoch == from.Epoch {
			first = p
		}
	}
	if first == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoStart, from.Position)
	}
	r := s.run(*first, from.Pos)
	r.Done = known
	return r, nil
}

func (s *Source) from(position binlog.BackupPosition) (*Run, error) {
	known, err := binlog.ParseGTIDs(position.GTID)
	if err != nil {
		return nil, err
	}
	var found []piece
	var refused error
	later := map[*binlog.Segment]bool{} // holds transactions that the backup holds after its position
	for _, p := range s.pieces {
		if !begun(p, position, known) {
			continue
		}
		at, err := p.compare(position, known)
		if err != nil {
			return nil, err
		}
		if at == anothers || at == unproved {
			refused = &AnotherLogError{File: p.File, Server: p.Server}
			continue
		}
		found = append(found, p)
		later[p.Segment] = at == before
	}
	found = s.likely(found, position, known)
	switch {
	case len(found) == 0:
		return nil, refused
	case len(found) > 1:
		return nil, fmt.Errorf("%w: %s of %s and %s", ErrAmbiguous, position.File, found[0].Server, found[1].Server)
	}
	r := s.run(found[0], position.Pos)
	r.Base = known
	if later[found[0].Segment] {
		r.Done = known
	}
	if position.File == "" {
		r.From.Pos, r.Done = found[0].FromPos, known
	}
	return r, nil
}

// run collects the files that follow one without a gap.
func (s *Source) run(first piece, pos uint64) *Run {
	r := &Run{src: s, pieces: []piece{first}, From: place(first, pos)}
	var rest []piece
	for _, p := range s.pieces {
		if p.Server == first.Server && inOrder(first, p) {
			rest = append(rest, p)
		}
	}
	slices.SortStableFunc(rest, func(a, b piece) int {
		if inOrder(a, b) {
			return -1
		}
		return 1
	})
	last := first
	for _, p := range rest {
		if _, gaps := binlog.Spans([]*binlog.Segment{last.Segment, p.Segment}); len(gaps) > 0 {
			r.Gap = &gaps[0]
			return r
		}
		r.pieces = append(r.pieces, p)
		last = p
	}
	r.Live = s.server != nil && s.LiveErr == nil && s.server.ID == last.Server
	r.Beyond = s.beyondRun(last)
	return r
}

// beyondRun is the first file of another server's log that ends after a file.
func (s *Source) beyondRun(last piece) (next *binlog.Segment) {
	for _, p := range s.pieces {
		if p.Server == last.Server || !p.ToTime.After(last.ToTime) {
			continue
		}
		if next == nil || p.FromTime.Before(next.FromTime) {
			next = p.Segment
		}
	}
	return next
}

// inOrder reports whether b comes after a in one server's log.
func inOrder(a, b piece) bool {
	if a.Epoch != b.Epoch {
		return a.Epoch < b.Epoch
	}
	_, i, _ := binlog.Split(a.File)
	_, j, _ := binlog.Split(b.File)
	return i < j
}

// Passed reports whether a position of this run is after another one. known is false if
// the run does not contain the other's log.
func (r *Run) Passed(at, other binlog.Place) (passed, known bool) {
	index := func(p binlog.Place) int {
		return slices.IndexFunc(r.pieces, func(x piece) bool {
			return x.Server == p.Server && x.Identity == p.Identity && x.File == p.File
		})
	}
	i := index(at)
	j := index(other)
	if i < 0 || j < 0 {
		return false, false
	}
	return i > j || i == j && at.Pos > other.Pos, true
}

// UpTo is the run without the files after the one that holds a place.
func (r *Run) UpTo(end binlog.Place) *Run {
	i := slices.IndexFunc(r.pieces, func(p piece) bool { return p.Identity == end.Identity && p.File == end.File })
	if i < 0 {
		return r
	}
	short := *r
	short.pieces = r.pieces[:i+1]
	return &short
}

// Each calls take with every step of the log from a position on, which must be a
// transaction boundary. It calls file with each file's format before the file's first
// step.
func (r *Run) Each(
	ctx context.Context,
	from binlog.Place,
	file func(binlog.Place, *format.Format) error,
	take func(*format.Item) error,
) error {
	at := slices.IndexFunc(r.pieces, func(p piece) bool {
		return p.Identity == from.Identity && p.File == from.File
	})
	if at < 0 {
		return fmt.Errorf("%w: %s", ErrNoStart, from.Position)
	}
	for _, p := range r.pieces[at:] {
		pos := p.FromPos
		if p.Identity == from.Identity && p.File == from.File {
			pos = max(pos, from.Pos)
		}
		if err := each(ctx, p, pos, file, take); err != nil {
			return err
		}
	}
	return nil
}

func each(
	ctx context.Context,
	p piece,
	pos uint64,
	file func(binlog.Place, *format.Format) error,
	take func(*format.Item) error,
) error {
	reader, err := p.open()
	if err != nil {
		return err
	}
	defer reader.Close()
	f, err := reader.Format()
	if err != nil || f == nil {
		return err
	}
	if err := file(place(p, pos), f); err != nil {
		return err
	}
	return reader.Walk(pos, func(i *format.Item) error {
		if i.What == format.Begin && ctx.Err() != nil {
			return ctx.Err()
		}
		return take(i)
	})
}
