package deploy

import "opsdeck/internal/journal"

// Journal is the open journal of a deployment. Each Append is durable before it
// returns.
type Journal = journal.File[Line, *Line]

// Number is where the line keeps its number.
func (l *Line) Number() *int { return &l.Seq }

// OpenJournal opens or makes the journal at path. A torn last line, as a crash leaves
// it, is cut off; damage before the end is an error.
func OpenJournal(path string) (*Journal, error) { return journal.Open[Line](path) }

// ReadJournal reads a journal that another process may be writing. One that is not
// there is empty.
func ReadJournal(path string) ([]Line, error) { return journal.Read[Line](path) }
