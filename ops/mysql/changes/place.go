package changes

import (
	"errors"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
)

// standing is what a file holds up to a backup's position, beside what the backup holds.
type standing uint8

const (
	same     standing = iota // the same
	before                   // less: the rest comes later in the log
	anothers                 // something else: it is another server's file, or another log's
	unproved                 // it may be the file, or another of its name
)

// What a log's times may differ by from those of a backup.
const (
	clockSlack  = time.Hour   // where GTIDs prove the place
	sourceSlack = time.Minute // between the clocks of a source and its replica
)

// stands decides whether a file that has the name of a backup's is the one in which the
// backup stands. After a failover two servers have files of one name, and after a RESET
// one server has. The file must be of the same server, or its GTIDs be the backup's; its
// times must fit; and the position must be between two transactions. What is not proved
// is not taken.
func (p piece) stands(stand binlog.Stand, known binlog.GTIDs) (standing, error) {
	if stand.File == "" {
		return p.goesOn(stand, known)
	}
	if !p.fits(stand, known) {
		return anothers, nil
	}
	r, err := p.open()
	if err != nil {
		return unproved, err
	}
	defer r.Close()
	a, err := r.Around(stand.Pos)
	sealed := errors.Is(err, binarchive.ErrSealed)
	switch {
	case sealed:
		a = byFrames(r.Frames(), stand.Pos)
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
	named := stand.Server != "" || logged && !sealed
	if !p.inTime(stand, a, byGTID, named) {
		return anothers, nil
	}
	switch {
	case byGTID && !sealed && !a.Held.Contains(known):
		return before, nil
	case byGTID || stand.Server != "" || !stand.From.IsZero() && !stand.At.IsZero():
		return same, nil
	}
	return unproved, nil
}

// inTime tells whether the backup's moment lies between what comes before its position in
// a file and what comes after it. named says that the server or the GTIDs agree: then the
// next transaction may be dated before the backup where a server dates it by the beginning
// of its statement (MariaDB, MySQL 5.7), which may have waited for the backup.
func (p piece) inTime(stand binlog.Stand, a binarchive.Around, byGTID, named bool) bool {
	early, late := window(stand, byGTID)
	if !stand.At.IsZero() && a.Last.After(late) {
		return false
	}
	if stand.From.IsZero() || a.Next.IsZero() || stand.Source && stand.Server != "" {
		return true // a replica may have applied less than its source's log holds
	}
	if !earlier(a.Next, early) {
		return true
	}
	return named && !a.Exact && (p.Open || !earlier(p.ToTime, early))
}

// window is when what comes after a backup's position was committed at the earliest, and
// what comes before it at the latest, by the log's clock.
func window(stand binlog.Stand, byGTID bool) (early, late time.Time) {
	switch {
	case stand.Server == "" && byGTID:
		return stand.From.Add(-clockSlack), stand.At.Add(clockSlack)
	case stand.Server != "" && stand.Source:
		return stand.From, stand.At.Add(sourceSlack)
	}
	return stand.From, stand.At
}

// fits tells from a file's head alone whether a backup may stand in it.
func (p piece) fits(stand binlog.Stand, known binlog.GTIDs) bool {
	held, err := binlog.ParseGTIDs(p.GTIDBefore)
	if err != nil || !known.Empty() && !known.Contains(held) {
		return false
	}
	_, late := window(stand, !known.Empty() && !known.MariaDB())
	if !stand.At.IsZero() && p.FromTime.After(late) {
		return false
	}
	return stand.Server == "" || stand.Server == p.Server
}

// earlier compares a log's time, which may be of whole seconds, with a moment.
func earlier(logged, at time.Time) bool {
	if logged.Nanosecond() == 0 {
		at = at.Truncate(time.Second)
	}
	return logged.Before(at)
}

// byFrames is what the index tells of a file that cannot be read.
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

// goesOn decides by GTIDs alone whether a file goes on with a backup. A log that began
// again after the backup has the same GTIDs for other transactions.
func (p piece) goesOn(stand binlog.Stand, known binlog.GTIDs) (standing, error) {
	r, err := p.open()
	if err != nil {
		return unproved, err
	}
	defer r.Close()
	held, err := binlog.ParseGTIDs(p.GTIDBefore)
	if err != nil {
		return unproved, err
	}
	if !stand.At.IsZero() && p.FromTime.After(stand.At) && !held.Contains(known) {
		return anothers, nil
	}
	frames := r.Frames()
	i := slices.IndexFunc(frames, func(f binlog.Frame) bool {
		own, err := binlog.ParseGTIDs(f.GTID)
		return err != nil || !known.Contains(own)
	})
	early := stand.From
	if stand.Server != "" && stand.Server != p.Server {
		early = early.Add(-sourceSlack)
	}
	if i >= 0 && !stand.From.IsZero() && earlier(frames[i].ToTime, early) {
		return anothers, nil
	}
	return same, nil
}

// begun tells whether a piece may be the one in which a backup stands.
func begun(p piece, stand binlog.Stand, known binlog.GTIDs) bool {
	before, errB := binlog.ParseGTIDs(p.GTIDBefore)
	after, errA := binlog.ParseGTIDs(p.GTIDAfter)
	if errA != nil || errB != nil {
		return false
	}
	if stand.File == "" {
		return !known.Empty() && known.Contains(before) && !after.Empty() && (!known.Contains(after) || p.Open)
	}
	return stand.File == p.File && stand.Pos >= p.FromPos && stand.Pos <= p.ToPos
}

// likely chooses among files that may all go on with a backup. With GTIDs of MySQL's
// form the live server's comes before others'.
func (s *Source) likely(found []piece, stand binlog.Stand, known binlog.GTIDs) []piece {
	if stand.File == "" { // the newest that it may be: what is done is skipped
		slices.SortStableFunc(found, func(a, b piece) int { return a.FromTime.Compare(b.FromTime) })
	}
	var out []piece
	for _, p := range found {
		i := slices.IndexFunc(out, func(o piece) bool {
			return o.Server == p.Server && (stand.File == "" || o.Identity == p.Identity)
		})
		switch {
		case i < 0:
			out = append(out, p)
		case stand.File != "" && inOrder(out[i], p): // the same file, archived again
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
