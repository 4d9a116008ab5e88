package audit

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// PageRequest asks for a page of a list, newest first.
type PageRequest struct {
	Filter   Filter
	Before   Pos // Newest() for the first page
	Limit    int
	Leave    bool // read on where more than the configured rows would be read
	Unproved bool // rather than fail with UnprovedError give the highest ids, said to be that
	Seen     func(Looked)
}

// Looked is how far a long search has come. Of is about how many rows it has to
// look at, 0 where that is not known; Back is the time down to which all rows
// were looked at, NoStamp where it does not go by time.
type Looked struct {
	Rows, Of int64
	Back     Stamp
}

// Page is one page. With More, Next is where the following one begins. Partial
// tells that the search stopped before the page was full: every row newer than
// Next was looked at.
type Page struct {
	Rows     []Row
	More     bool
	Next     Pos
	Partial  bool
	Unproved bool // in the order of ids, of which it is not known that they follow time
	Scanned  int64
	Strategy Strategy
	Top      Pos // of a first page without rows: the place that new rows come behind
}

// UnprovedError says that it is not yet known how the order of ids and of
// times agree: Source.Prove has to look at the rows first.
type UnprovedError struct {
	Rows int64 // about how many rows are to be looked at
}

// Error is the English sentence.
func (e *UnprovedError) Error() string { return e.Message().String() }

// Message is the sentence for people.
func (e *UnprovedError) Message() lang.Msg {
	return lang.M("the table has no index on its time; about %s rows must be read once to learn their order",
		human.Count(e.Rows))
}

// Explain makes an error for people of it.
func (e *UnprovedError) Explain() error {
	return ops.E(ops.Failed, e.Message()).WithHint(lang.M("run it with --yes; it reads slowly, to spare the " +
		"server, and only once"))
}
