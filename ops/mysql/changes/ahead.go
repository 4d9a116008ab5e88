package changes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lock"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// Ahead is how far the available binlogs continue a backup.
type Ahead struct {
	To   time.Time // last commit that the archive holds; zero if it holds none
	Live bool      // the server has everything that follows, up to its current end
}

// headBytes is more than the head of a log file: its format, and the list of earlier
// transactions. Reading stops after the first event that ends beyond it.
const headBytes = 300

// LookAhead finds how far the binlogs continue a backup by the rules of From, but fetches
// only the head of one file of the server. It returns ErrNoStart if nothing continues the
// backup. A server that does not respond counts as having no binlogs.
func LookAhead(
	ctx context.Context,
	folder binarchive.Folder,
	target mysql.Target,
	database string,
	positions []binlog.BackupPosition,
) (Ahead, error) {
	s, err := archived(folder, nil)
	if err != nil {
		return Ahead{}, err
	}
	if server, err := folder.Ask(ctx, target); err == nil && server.Logging {
		s.server = server
	}
	if ctx.Err() != nil {
		return Ahead{}, ctx.Err()
	}
	s.leaveOut(folder)
	reached := s.server == nil || s.server.LeftOut.Setting(database) == ""
	for _, position := range positions {
		r, err := s.from(position)
		if errors.Is(err, ErrNoStart) {
			err = nil // the archived file belongs to another log; the server may have the right one
		}
		if err != nil {
			return Ahead{}, err
		}
		if r != nil {
			if err := r.endUnlogged(database); err != nil {
				return Ahead{}, err
			}
			live, err := s.followed(ctx, target, r)
			return Ahead{To: r.ToTime(), Live: live && reached}, err
		}
		here, err := s.hasPosition(ctx, target, position)
		if here && !reached {
			return Ahead{}, s.Unlogged(database)
		}
		if here || err != nil {
			return Ahead{Live: here}, err
		}
	}
	return Ahead{}, ErrNoStart
}

// followed reports whether the server still has the binlog that follows an archived run.
func (s *Source) followed(ctx context.Context, target mysql.Target, r *Run) (bool, error) {
	last := r.pieces[len(r.pieces)-1]
	if r.Gap != nil || s.server == nil || s.server.ID != last.Server {
		return false, nil
	}
	return s.continues(ctx, target, last.Segment)
}

// hasPosition reports whether the server's binlogs contain a backup's position, in a file that
// would be fetched.
func (s *Source) hasPosition(ctx context.Context, target mysql.Target, position binlog.BackupPosition) (bool, error) {
	if s.server == nil || position.File == "" {
		return false, nil
	}
	log, here := s.server.Has(position.File)
	start, whole, err := s.start(ctx, target, s.server)
	if err != nil {
		return false, err
	}
	_, first, _ := binlog.Split(start)
	_, number, _ := binlog.Split(position.File)
	if !here || whole || number < first || log.Pos < position.Pos {
		return false, nil
	}
	known, err := binlog.ParseGTIDs(position.GTID)
	if err != nil {
		return false, err
	}
	if position.Server == "" && (known.Empty() || known.MariaDB()) {
		return false, nil // only the whole file could prove it
	}
	later := false
	err = s.readUpTo(ctx, target, log, headBytes, func(p piece) error {
		p.ToPos = log.Pos
		here = begun(p, position, known) && p.fits(position, known)
		later = p.beganLater(position, known)
		return nil
	})
	if err != nil || !here || !later {
		return here && err == nil, err
	}
	here = false
	err = s.readUpTo(ctx, target, log, position.Pos, func(p piece) error {
		at, err := p.compare(position, known)
		here = at == same || at == before
		return err
	})
	return here, err
}

// readUpTo calls take with one file of the server's log, read up to a position. Without a file
// there it is not called.
func (s *Source) readUpTo(
	ctx context.Context,
	target mysql.Target,
	log format.Log,
	end uint64,
	take func(piece) error,
) error {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "opsdeck-binlog-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	keys := []age.Identity{key}
	o := binarchive.Options{
		Target:     target,
		Folder:     binarchive.Folder{Dir: dir},
		Recipients: []string{key.Recipient().String()},
		Keys:       keys,
		Start:      log.File,
		Stop:       &binlog.Position{File: log.File, Pos: min(end, log.Pos)},
		Who:        lock.Holder{What: "restore"},
		Server:     s.server.ID,
	}
	if _, err := binarchive.Run(ctx, o); err != nil {
		return fmt.Errorf("%s: %w", log.File, err)
	}
	segments, err := o.Folder.Segments(s.server.ID)
	if err != nil || len(segments) == 0 {
		return err
	}
	return take(piece{Segment: segments[0], folder: o.Folder, keys: keys, live: true})
}
