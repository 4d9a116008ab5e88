package restore

import (
	"fmt"
	"slices"
	"time"
)

// Snapshot is the machine's whole state: the fold of the journal's events.
type Snapshot struct {
	ID       string `json:"id"`
	Database string `json:"database"`
	Mode     Mode   `json:"mode"`
	Notifies bool   `json:"notifies"`             // there are notification targets
	Later    bool   `json:"save_later,omitempty"` // the emergency backup is made after the service is back

	Stage      Stage    `json:"stage"`
	Seq        int      `json:"seq"` // number of events; an answer refers to one
	Attempts   int      `json:"attempts"`
	SkipBackup bool     `json:"skip_backup,omitempty"` // typed by the operator
	SkipTables []string `json:"skip_tables,omitempty"`
	Doubted    bool     `json:"doubted,omitempty"`   // verification failed and was overridden, typed
	Ignored    bool     `json:"ignored,omitempty"`   // writes had not stopped
	Written    bool     `json:"written,omitempty"`   // the live database was written to after its emergency backup
	Torn       bool     `json:"torn,omitempty"`      // and held only a part of the data then
	Unlike     bool     `json:"unlike,omitempty"`    // what was loaded back differs from the emergency backup
	Untouched  bool     `json:"untouched,omitempty"` // the load back failed before it changed the database
	NotReady   bool     `json:"not_ready,omitempty"`
	Swapped    bool     `json:"swapped,omitempty"`   // the restored tables are live
	Kept       bool     `json:"kept,omitempty"`      // an undo is possible
	Loaded     bool     `json:"loaded,omitempty"`    // aborted with the loaded data kept: resume uses it
	Remains    bool     `json:"remains,omitempty"`   // aborted, and what was loaded could not be removed
	Unstarted  bool     `json:"unstarted,omitempty"` // the service was not started: its database is incomplete
	Rounds     int      `json:"rounds,omitempty"`    // number of times it was resumed after an abort
	Data       Data     `json:"data"`                // results of the effects so far
	Trail      []Mark   `json:"trail"`
	Why        []Note   `json:"why,omitempty"` // the reasons for the current question
}

// Mark is one entered stage, in order.
type Mark struct {
	Stage Stage     `json:"stage"`
	Begin time.Time `json:"begin"`
	End   time.Time `json:"end,omitzero"`
	How   Kind      `json:"how,omitempty"` // the event that ended it
	By    string    `json:"by,omitempty"`
	Notes []Note    `json:"notes,omitempty"`
}

// New is the snapshot of a plan that has not started.
func New(p *Plan) Snapshot {
	return Snapshot{ID: p.ID, Database: p.Target.Database, Mode: p.Mode, Notifies: len(p.Notify) > 0,
		Later: p.SaveLater, Stage: Planned}
}

// Next is the state machine: the state after an event, and the effects to run. It does not
// change s and does no I/O. An event that is not possible in the stage is an error, and
// the snapshot is unchanged.
func Next(s Snapshot, e Event) (Snapshot, []Effect, error) {
	rule, ok := table[s.Stage][e.Kind]
	if !ok {
		return s, nil, fmt.Errorf("%s while %s: %w", e.Kind, s.Stage, ErrNotNow)
	}
	to, err := rule(&s, e)
	if err != nil {
		return s, nil, fmt.Errorf("%s while %s: %w", e.Kind, s.Stage, err)
	}
	n := s
	n.Trail = slices.Clone(s.Trail)
	n.Seq++
	n.absorb(e)
	if to == s.Stage {
		n.Attempts++
	} else {
		n.Attempts = 1
	}
	n.mark(s.Stage, to, e)
	n.Stage = to
	n.Why = nil
	if to.Asks() {
		n.Why = e.Notes
		if e.Kind == KindResume {
			n.Why = s.Why
		}
	}
	if effect, ok := to.Effect(); ok {
		return n, []Effect{effect}, nil
	}
	return n, nil, nil
}

func (s *Snapshot) mark(from, to Stage, e Event) {
	if last := len(s.Trail) - 1; last >= 0 && s.Trail[last].End.IsZero() {
		if from == to {
			return
		}
		s.Trail[last].End = e.Time
		s.Trail[last].How = e.Kind
		s.Trail[last].Notes = e.Notes
		if e.By != "" {
			s.Trail[last].By = e.By
		}
	}
	m := Mark{Stage: to, Begin: e.Time}
	if to.Final() {
		m.End, m.How = e.Time, KindDone
	}
	s.Trail = append(s.Trail, m)
}

// absorb takes over the event's data.
func (s *Snapshot) absorb(e Event) {
	switch {
	case s.Stage == AskSave && e.Kind == KindSkip:
		s.SkipBackup = true
	case (s.Stage == AskSkip || s.Stage == AskKeeping) && e.Kind == KindSkip:
		s.SkipTables = slices.Clone(s.Data.Unreadable)
	case (s.Stage == AskVerify || s.Stage == AskUndoLoad) && e.Kind == KindGoOn:
		s.Doubted = true
		s.Swapped = s.Swapped && s.Stage == AskVerify
	case s.Stage == AskQuiet && e.Kind == KindGoOn, s.Stage == AskSwap && e.Kind == KindGoOn:
		s.Ignored = true
		s.Written = false
	case (s.Stage == Swapping || s.Stage == Loading) && e.Kind == KindFound:
		s.Written = true
		s.Torn = e.Data != nil && e.Data.Torn
	case (s.Stage == AskSwap || s.Stage == AskLoad) && e.Kind == KindRetry && s.Written:
		s.Loaded = s.Stage == AskSwap
		s.again()
	case (s.Stage == AskReady || s.Stage == AskStart) && e.Kind == KindKeep:
		s.NotReady = true
	case e.Kind == KindLeave && slices.Contains([]Stage{AskAbortStart, AskAbortReady, AskUndoStart, AskUndoReady},
		s.Stage):
		s.NotReady = true
	case s.Stage == Aborted && e.Kind == KindResume:
		s.again()
	case s.Stage == Settling && e.Kind == KindDone:
		s.Loaded = true
	case (s.Stage == Cleaning || s.Stage == DropAborted) && e.Kind == KindDone:
		s.Loaded = false
		s.Remains = false
	case s.Stage == AskClean && e.Kind == KindLeave:
		s.Remains = s.Mode == Swap
	case (s.Stage == AbortStarting || s.Stage == UndoStarting) && e.Kind == KindDone:
		s.Unstarted = e.Data != nil && e.Data.Unstarted
	case s.Stage == Swapping && e.Kind == KindDone:
		s.Swapped = true
		s.Kept = true
		s.Loaded = false
	case s.Stage == Verifying && e.Kind == KindDone && s.Mode == InPlace:
		s.Swapped, s.Kept = true, s.Data.Emergency != ""
	case s.Stage == AskVerify && e.Kind == KindGoOn && s.Mode == InPlace:
		s.Swapped, s.Kept = true, s.Data.Emergency != ""
	case s.Stage == UndoLoading && e.Kind == KindFailed:
		s.Untouched = e.Data != nil && e.Data.Untouched && s.Attempts == 1 && (s.Untouched || s.loadsBack() == 1)
	case s.Stage == UndoLoading && e.Kind == KindFound:
		s.Unlike = true
		s.Untouched = false
	case s.Stage == AskUndoLoad && e.Kind == KindRetry:
		s.Unlike = false
	case (s.Stage == UndoSwapping || s.Stage == UndoLoading) && e.Kind == KindDone:
		s.Swapped = false
	case (s.Stage == Dropping || s.Stage == DropUndone) && e.Kind == KindDone:
		s.Kept = false
	}
	if e.Data != nil {
		s.Data.merge(*e.Data)
	}
}

// Unswapped tells that an aborted restore still has a database of its own on the server.
func (s Snapshot) Unswapped() bool { return s.Loaded || s.Remains }

// again begins a new round: the current state is backed up once more.
func (s *Snapshot) again() {
	s.Rounds++
	s.NotReady = false
	s.Unstarted = false
	s.Doubted = false
	s.Ignored = false
	s.Written = false
	s.SkipBackup = false
	s.SkipTables = nil
	s.Data.Unreadable = nil
	s.Data.Mark = ""
	s.Data.Now = nil
	s.Data.Final = nil
	if s.Torn { // the state before is still the one to go back to
		return
	}
	if s.Data.Emergency != "" {
		s.Data.Also = append(slices.Clip(s.Data.Also), s.Data.Emergency)
	}
	s.Data.Emergency = ""
	s.Data.Started = false
}

// LoadsAgain reports that an earlier try of this round has begun to load into the live
// database, and that this one drops what is there now.
func (s Snapshot) LoadsAgain() bool {
	if s.Mode != InPlace || s.Stage != Loading {
		return false
	}
	if s.Attempts > 1 {
		return true
	}
	for i := len(s.Trail) - 2; i >= 0; i-- {
		switch s.Trail[i].Stage {
		case Loading:
			return true
		case Checking, Saving, AskSave:
			return false
		}
	}
	return false
}

// loadsBack is how often the run has begun to load its emergency backup.
func (s *Snapshot) loadsBack() (n int) {
	for _, m := range s.Trail {
		if m.Stage == UndoLoading {
			n++
		}
	}
	return n
}

// LeftAsRestored reports that an undo was ended before it changed the database, and that the
// service is started again.
func (s Snapshot) LeftAsRestored() bool {
	n := len(s.Trail)
	return s.Stage == Starting && n > 1 && s.Trail[n-2].Stage.Back()
}

// LeftToOthers reports that the restore ended and left the live database to those who wrote to
// it after the load had begun.
func (s Snapshot) LeftToOthers() bool {
	return s.Mode == InPlace && s.Written && s.Data.Started && (s.Stage == Aborted || s.Stage == AbortReporting)
}

// JustExported reports that an undo has saved what its load back drops, right before.
func (s Snapshot) JustExported() bool {
	n := len(s.Trail)
	if s.Stage != UndoLoading || s.Attempts > 1 || n < 2 {
		return false
	}
	before := s.Trail[n-2].Stage
	return before == UndoExporting || before == AskUndoExport
}

// Unsaved reports that the old tables were swapped out and kept, and that the emergency
// backup to be made of them does not exist.
func (s Snapshot) Unsaved() bool {
	return s.Later && s.Swapped && s.Kept && s.Data.Emergency == "" && !s.SkipBackup
}

func (d *Data) merge(n Data) {
	d.Stopped = d.Stopped || n.Stopped
	d.Started = d.Started || n.Started
	set(&d.Emergency, n.Emergency)
	set(&d.Mark, n.Mark)
	set(&d.Now, n.Now)
	set(&d.Report, n.Report)
	set(&d.Text, n.Text)
	set(&d.Rows, n.Rows)
	set(&d.Tables, n.Tables)
	set(&d.Bytes, n.Bytes)
	set(&d.SwapMS, n.SwapMS)
	d.Also = append(slices.Clip(d.Also), n.Also...)
	set(&d.Lost, n.Lost)
	set(&d.Final, n.Final)
	if n.Unreadable != nil {
		d.Unreadable = n.Unreadable
	}
	if n.Sessions != nil {
		d.Sessions = n.Sessions
	}
	if n.TableRows != nil {
		d.TableRows = n.TableRows
	}
	if n.Doubts != nil {
		d.Doubts = n.Doubts
	}
	if n.Counters != nil {
		d.Counters = n.Counters
	}
	d.Told = append(slices.Clip(d.Told), n.Told...)
	d.Exports = append(slices.Clip(d.Exports), n.Exports...)
}

func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}

// Answers are the answers that the current stage accepts, the proposed one first.
func (s Snapshot) Answers() []Kind {
	var out []Kind
	for _, k := range []Kind{KindRetry, KindSend, KindKill, KindUndo, KindAbort, KindSkip, KindGoOn, KindKeep,
		KindSilent, KindLeave, KindDrop} {
		if s.Can(k) {
			out = append(out, k)
		}
	}
	return out
}

// Can reports whether an answer or a request is possible now (typed, where required).
func (s Snapshot) Can(k Kind) bool {
	_, _, err := Next(s, Event{Kind: k, Typed: s.Database})
	return err == nil
}

// NeedsTyping reports whether an answer requires typing the database's name.
func (s Snapshot) NeedsTyping(k Kind) bool {
	_, _, err := Next(s, Event{Kind: k})
	return err != nil && s.Can(k)
}

// Result is the outcome or the current state: "restored", "aborted", "undone", "asking",
// "running", "planned".
func (s Snapshot) Result() string {
	switch {
	case s.Stage == Done:
		return "restored"
	case s.Stage == Aborted:
		return "aborted"
	case s.Stage == Undone:
		return "undone"
	case s.Stage == Planned:
		return "planned"
	case s.Stage.Asks():
		return "asking"
	}
	return "running"
}

// Reverted reports that the run ended with the database as it was before the restore.
func (s Snapshot) Reverted() bool {
	switch s.Stage {
	case UndoReporting, Undone, DropUndone:
		return true
	case AbortReporting, Aborted, DropAborted:
		return !s.Data.Started || s.Mode != InPlace
	}
	return false
}

// HalfLoaded tells whether the live database holds only a part of the data: an in-place
// restore, or its undo, is loading into it or was stopped while it did.
func (s Snapshot) HalfLoaded() bool {
	if s.Mode != InPlace {
		return false
	}
	switch s.Stage {
	case Loading, AskLoad, Verifying, AskVerify, Cleaning, AskClean, UndoLoading:
		return true
	case AskUndoLoad:
		return !s.Untouched || !s.Swapped
	}
	return false
}

// LiveSince is the time when the restored data became live.
func (s Snapshot) LiveSince() time.Time {
	var at time.Time
	for _, m := range s.Trail {
		if m.Stage == Swapping || m.Stage == Loading && s.Mode == InPlace {
			at = m.End
		}
	}
	return at
}

// Down is how long the service has been stopped. It runs between the end of the restore
// and the start of its undo.
func (s Snapshot) Down(now time.Time) time.Duration {
	var from, until time.Time
	var before time.Duration
	for _, m := range s.Trail {
		switch m.Stage {
		case Stopping:
			if from.IsZero() || !until.IsZero() { // resumed after an abort
				from, until = m.Begin, time.Time{}
			}
		case UndoStopping:
			if from.IsZero() || !until.IsZero() {
				before += until.Sub(from)
				from, until = m.Begin, time.Time{}
			}
		case Readying, AbortReadying, UndoReadying:
			until = m.End
		}
	}
	switch {
	case from.IsZero():
		return 0
	case until.IsZero() || s.Unstarted:
		return before + now.Sub(from)
	}
	return before + until.Sub(from)
}
