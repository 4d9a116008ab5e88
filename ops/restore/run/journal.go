package run

import (
	"fmt"
	"time"

	"opsdeck/internal/journal"
	"opsdeck/ops/restore"
)

// Line is one line of a journal: an event, or the mark that an effect is about to start.
type Line struct {
	Seq    int            `json:"seq"`  // 1, 2, 3 …
	Time   time.Time      `json:"time"` // when it was written
	Begins restore.Effect `json:"begins,omitempty"`
	Event  *restore.Event `json:"event,omitempty"`
	Stage  restore.Stage  `json:"stage"` // the stage after it
}

// Number points to the line's number.
func (l *Line) Number() *int { return &l.Seq }

// Journal is the open journal of a run. Each Append is durable before it returns.
type Journal = journal.File[Line, *Line]

// OpenJournal opens or creates the journal at path. A torn last line, left by a crash, is
// cut off; damage before the end is an error.
func OpenJournal(path string) (*Journal, error) { return journal.Open[Line](path) }

// ReadJournal reads a journal that another process may be writing; a torn last line is
// omitted. A missing journal is empty.
func ReadJournal(path string) ([]Line, error) { return journal.Read[Line](path) }

// fold replays a journal on the snapshot of its plan. pending is the effect that has
// started and not ended, or empty.
func fold(p *restore.Plan, lines []Line) (s restore.Snapshot, pending restore.Effect, err error) {
	s = restore.New(p)
	for _, l := range lines {
		if l.Event == nil {
			pending = l.Begins
			continue
		}
		pending = ""
		if s, _, err = restore.Next(s, *l.Event); err != nil {
			return s, "", fmt.Errorf("journal line %d: %w", l.Seq, err)
		}
	}
	return s, pending, nil
}
