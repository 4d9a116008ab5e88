package binarchive

import (
	"errors"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// Around describes what a log file holds before and after a position.
type Around struct {
	Held    binlog.GTIDs // every transaction before it
	Between bool         // it is the end of an event, and of a transaction if one had begun
	Last    time.Time    // of the transaction before it; zero if there is none
	Next    time.Time    // first transaction after it, or the end of the file; zero if nothing follows
	Exact   bool         // Next is a commit's time, not the start of a statement
}

// Around reads what a file holds before and after a position. Times are commit times if
// the server logs them, else event times (MariaDB: whole seconds, the start of the
// statement, or what the session set as its timestamp). A time that is later than the next
// transaction's is not believed: Last is then of an earlier transaction nearby, or zero.
func (r *Reader) Around(pos uint64) (a Around, err error) {
	i := r.at(pos)
	before := r.Segment.GTIDBefore
	if i > 0 {
		before, a.Last = r.frames[i-1].GTID, r.frames[i-1].ToTime
	}
	if a.Held, err = binlog.ParseGTIDs(before); err != nil {
		return a, err
	}
	a.Held = a.Held.Clone()
	if pos <= r.Segment.FromPos || i == len(r.frames) {
		a.Between = true
	}
	if len(r.frames) == 0 {
		return a, nil
	}
	f, err := r.Format()
	if err != nil {
		return a, err
	}
	s := around{Around: &a, pos: pos, from: pos, walk: format.NewWalker(r.Segment.File, f)}
	var start uint64
	if i < len(r.frames) {
		s.from = r.frames[i].From
		start = r.frames[i].Start()
	}
	if i == len(r.frames) || s.from == pos && r.frames[i].OpenFrom == 0 {
		a.Between = true
		if i > 0 { // for the time of the last transaction: the index has the latest time only
			start = r.frames[i-1].Start()
		}
	}
	err = r.Events(start, s.event)
	if errors.Is(err, ErrEnough) {
		err = nil
	}
	if !a.Next.IsZero() && a.Next.Before(a.Last) {
		a.Last = s.lastBy(a.Next)
	}
	return a, err
}

// around collects the state up to a position, and up to the first event of the next
// transaction.
type around struct {
	*Around
	pos, from uint64
	walk      *format.Walker
	open      bool        // inside a transaction
	times     []time.Time // of the transactions before the position, in the order of the log
}

// lastBy is the time of the newest transaction that was logged by a time, as far as they were
// read; zero if there is none.
func (s *around) lastBy(at time.Time) time.Time {
	for _, t := range slices.Backward(s.times) {
		if !t.After(at) {
			return t
		}
	}
	return time.Time{}
}

func (s *around) event(e *format.Event, end uint64) error {
	err := s.walk.Feed(e, end, func(i *format.Item) error {
		s.open = i.What != format.End
		switch {
		case end > s.pos:
			if s.Next, s.Exact = i.Group.Committed, true; s.Next.IsZero() {
				s.Next = i.Event.Time()
				s.Exact = false
			}
			return ErrEnough
		case s.open:
			return nil
		}
		s.Last = i.Group.Time
		s.times = append(s.times, s.Last)
		if i.Group.GTID.ID != "" && end > s.from {
			return s.Held.Add(i.Group.GTID.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if end == s.pos {
		s.Between = !s.open
	}
	if end > s.pos && (e.Type == format.TypeRotate || e.Type == format.TypeStop) {
		s.Next = e.Time()
		s.Exact = true
		return ErrEnough
	}
	return nil
}
