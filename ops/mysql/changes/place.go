package changes

import (
	"errors"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
)

// coverage compares what a file holds up to a backup's position with what the backup
// holds.
type coverage uint8

const (
	same     coverage = iota // the same
	before                   // less: the rest follows later in the log
	anothers                 // something else: the file is another server's or another log's
	unproved                 // the file may be the right one or another of the same name
)

// Tolerances between the times of a log and of a backup.
const (
	clockSlack  = time.Hour   // if GTIDs prove the position
	sourceSlack = time.Minute // between the clocks of a source and its replica
)

// compare decides whether a file is the one that the backup's position refers to, and not
// another of the same name. After a failover two servers can have files of the same name,
// after RESET one server can. The file must be of the same server or its GTIDs must match
// the backup's; its times must fit; and the position must be a transaction boundary. A
// file without this proof is not used.
func (p piece) compare(position binlog.BackupPosition, known binlog.GTIDs) (coverage, error) {
	if position.File == "" {
		return p.continues(position, known)
	}
	if !p.fits(position, known) {
		return anothers, nil
	}
	r, err := p.open()
	if err != nil {
		return unproved, err
	}
	defer r.Close()
	a, err := r.Around(position.Pos)
	sealed := errors.Is(err, binarchive.ErrSealed)
	switch {
	case sealed:
		a = byFrames(r.Frames(), position.Pos)
	case err != nil:
		return unproved, err
	case !a.Between:
		return anothers, nil
	}
	logged := !known.Empty() && (p.GTIDAfter != "" || p.GTIDBefore != "")
	if logged && !sealed && !known.Agrees(a.Held) {
		return anothers, nil
	}
	byGTID := logged && !known.MariaDB()
	named := position.Server != "" || logged && !sealed
	if p.beganLater(position, known) && !p.wasThere(position, known, a) || !p.inTime(position, a, byGTID, named) {
		return anothers, nil
	}
	switch {
	case byGTID && !sealed && !a.Held.Contains(known):
		return before, nil
	case byGTID || position.Server != "" || !position.From.IsZero() && !position.At.IsZero():
		return same, nil
	}
	return unproved, nil
}

// inTime reports whether the backup's time lies between the transactions before and after
// its position in the file. named tells that the server or the GTIDs match: then the next
// transaction may have an earlier time than the backup on servers that log the start of
// the statement (MariaDB, MySQL 5.7), because it may have waited for the backup.
func (p piece) inTime(position binlog.BackupPosition, a binarchive.Around, byGTID, named bool) bool {
	early, late := window(position, byGTID)
	if !position.At.IsZero() && a.Last.After(late) {
		return false
	}
	if position.From.IsZero() || a.Next.IsZero() || position.Source && position.Server != "" {
		return true // a replica may lag behind its source's log
	}
	if !earlier(a.Next, early) {
		return true
	}
	return named && !a.Exact && (p.Open || !earlier(p.ToTime, early))
}

// window is the earliest commit time of what follows a backup's position and the latest
// commit time of what precedes it, by the log's clock.
func window(position binlog.BackupPosition, byGTID bool) (early, late time.Time) {
	switch {
	case position.Server == "" && byGTID:
		return position.From.Add(-clockSlack), position.At.Add(clockSlack)
	case position.Server != "" && position.Source:
		return position.From, position.At.Add(sourceSlack)
	}
	return position.From, position.At
}

// fits reports from a file's head alone whether it may contain a backup's position; its time
// is another question.
func (p piece) fits(position binlog.BackupPosition, known binlog.GTIDs) bool {
	held, err := binlog.ParseGTIDs(p.GTIDBefore)
	if err != nil || !known.Empty() && !known.Contains(held) {
		return false
	}
	return position.Server == "" || binlog.OfServer(position.Server, p.Server) && !p.isAnothers(position)
}

// isAnothers reports whether a file was created, or archived from, elsewhere than the backup's
// server: servers may share an id, and with it names of files. What the live server has now is
// told by the file alone: its host name changes when its container is made again.
func (p piece) isAnothers(position binlog.BackupPosition) bool {
	if position.File == "" {
		return false
	}
	if position.Log != "" && position.Log != p.Identity {
		return true
	}
	return !p.live && position.Host != "" && p.Host != "" && position.Host != p.Host
}

// beganLater reports whether a file's head has a later time than the backup: the file is
// another one of that name, or a session that set its own timestamp began it.
func (p piece) beganLater(position binlog.BackupPosition, known binlog.GTIDs) bool {
	_, late := window(position, !known.Empty() && !known.MariaDB())
	return !position.At.IsZero() && p.FromTime.After(late)
}

// wasThere reports whether a file whose head has a later time than the backup existed at the
// backup's time: a transaction before the position was logged by then. Its head's time is then
// not the server's.
func (p piece) wasThere(position binlog.BackupPosition, known binlog.GTIDs, a binarchive.Around) bool {
	_, late := window(position, !known.Empty() && !known.MariaDB())
	return !a.Last.IsZero() && a.Last.Before(p.FromTime) && !a.Last.After(late)
}

// earlier compares a logged time, which may be in whole seconds, with a time.
func earlier(logged, at time.Time) bool {
	if logged.Nanosecond() == 0 {
		at = at.Truncate(time.Second)
	}
	return logged.Before(at)
}

// byFrames derives the surroundings of a position from the index, for a file that cannot
// be read.
func byFrames(frames []binlog.Frame, pos uint64) (a binarchive.Around) {
	for _, f := range frames {
		switch {
		case f.To <= pos:
			a.Last = f.ToTime
		case f.From >= pos && a.Next.IsZero():
			a.Next = f.ToTime
		}
	}
	return a
}

// continues decides by GTIDs alone whether a file continues a backup. A log that was reset
// after the backup reuses the same GTIDs for other transactions.
func (p piece) continues(position binlog.BackupPosition, known binlog.GTIDs) (coverage, error) {
	r, err := p.open()
	if err != nil {
		return unproved, err
	}
	defer r.Close()
	held, err := binlog.ParseGTIDs(p.GTIDBefore)
	if err != nil {
		return unproved, err
	}
	if !position.At.IsZero() && p.FromTime.After(position.At) && !held.Contains(known) {
		return anothers, nil
	}
	frames := r.Frames()
	i := slices.IndexFunc(frames, func(f binlog.Frame) bool {
		own, err := binlog.ParseGTIDs(f.GTID)
		return err != nil || !known.Contains(own)
	})
	early := position.From
	if position.Server != "" && position.Server != p.Server {
		early = early.Add(-sourceSlack)
	}
	if i >= 0 && !position.From.IsZero() && earlier(frames[i].ToTime, early) {
		return anothers, nil
	}
	return same, nil
}

// begun reports whether a backup's position may be in this piece.
func begun(p piece, position binlog.BackupPosition, known binlog.GTIDs) bool {
	before, errB := binlog.ParseGTIDs(p.GTIDBefore)
	after, errA := binlog.ParseGTIDs(p.GTIDAfter)
	if errA != nil || errB != nil {
		return false
	}
	if position.File == "" {
		return !known.Empty() && known.Contains(before) && !after.Empty() && (!known.Contains(after) || p.Open)
	}
	return position.File == p.File && position.Pos >= p.FromPos && position.Pos <= p.ToPos
}

// likely selects among the files that may continue a backup. With MySQL GTIDs the live
// server's file is preferred.
func (s *Source) likely(found []piece, position binlog.BackupPosition, known binlog.GTIDs) []piece {
	if position.File == "" { // the newest possible: transactions in the backup are skipped
		slices.SortStableFunc(found, func(a, b piece) int { return a.FromTime.Compare(b.FromTime) })
	}
	var out []piece
	for _, p := range found {
		i := slices.IndexFunc(out, func(o piece) bool {
			return o.Server == p.Server && (position.File == "" || o.Identity == p.Identity)
		})
		switch {
		case i < 0:
			out = append(out, p)
		case position.File != "" && inOrder(out[i], p): // the same file, archived again
			out[i] = p
		}
	}
	proved := !known.Empty() && !known.MariaDB()
	if i := slices.IndexFunc(out, s.isLive); proved && i >= 0 {
		live := out[i].Server
		return slices.DeleteFunc(out, func(p piece) bool { return p.Server != live })
	}
	return out
}

func (s *Source) isLive(p piece) bool { return s.server != nil && p.Server == s.server.ID }
