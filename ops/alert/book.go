package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// File is the state file's name in the state folder.
const File = "alerts.json"

// format is the version of the state file that this program writes.
const format = 1

// Book is everything that watch knows of its alerts, as kept in the state file. The
// one process that holds watch's lock writes it; everybody may read it.
type Book struct {
	Format    int       `json:"format"`
	WrittenAt time.Time `json:"written_at"`
	Alerts    []Alert   `json:"alerts"`  // active, oldest first
	History   []Alert   `json:"history"` // resolved, the newest last
	Silences  []Silence `json:"silences"`

	// Queues are what the targets are still to be told, in order; Outbox the messages
	// made of it that are not delivered, at most one a target. Both by target.
	Queues map[string]*Queue   `json:"queues"`
	Outbox map[string]*Message `json:"outbox"`
	Sent   []Sent              `json:"sent"` // the newest messages that were delivered
	Asides []Aside             `json:"set_aside,omitempty"`
	Serial int64               `json:"serial"`
	// Orders is how far the file of orders was carried out, in records.
	Orders int64 `json:"orders"`
	// Places are how far the logs were read, and Counts the matches of each rule's
	// window, as of the same moment as the alerts.
	Places map[string]Place  `json:"places"`
	Counts map[string]*Count `json:"counts"`

	// Drift tells that something changed that may be kept a little later: how long an
	// alert lasts, how far the logs are read.
	Drift bool `json:"-"`
}

// Place is how far a log was read, and by what its text is known again.
type Place struct {
	Head []byte    `json:"head"` // its first bytes
	Foot []byte    `json:"foot"` // the bytes before Size
	Size int64     `json:"size"`
	At   time.Time `json:"at"`   // when it was read
	Last time.Time `json:"last"` // the time in the newest line, for what has no file
}

// Silence keeps the alerts of a rule from being told until it ends.
type Silence struct {
	ID      string    `json:"id"`
	Rule    string    `json:"rule"`              // "*" for all
	Service string    `json:"service,omitempty"` // "" for all
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Why     Text      `json:"why"`
	By      string    `json:"by"`
}

// LongestSilence is the longest one: what is silenced for ever is forgotten.
const LongestSilence = 30 * 24 * time.Hour

// covers tells whether the silence is for an alert at a moment.
func (s Silence) covers(a *Alert, now time.Time) bool { return s.Quiets(a.Service, a.Rule, now) }

// Quiets tells whether the silence is for the alerts of a rule at a moment.
func (s Silence) Quiets(service, rule string, now time.Time) bool {
	return (s.Rule == "*" || s.Rule == rule) && (s.Service == "" || s.Service == service) &&
		!now.Before(s.From) && now.Before(s.Until)
}

// byPerson tells a silence that somebody asked for from opsdeck's own, which ends what it
// began: a person's reason is in one language.
func (s Silence) byPerson() bool { return s.Why.ZH == "" }

// UnusableError says that the state file cannot be read as one.
type UnusableError struct {
	Path  string
	Newer bool // written by a later version of the program
	Err   error
}

func (e *UnusableError) Error() string {
	if e.Newer {
		return e.Path + " was written by a newer opsdeck"
	}
	return e.Path + " is damaged: " + e.Err.Error()
}

// Read reads the book of a state folder, with the orders that watch has not yet
// carried out. Where watch never ran it is empty. A file
// that is cut, foreign or newer is an *UnusableError.
func Read(dir string) (*Book, error) {
	b, err := Load(dir)
	if err != nil {
		return nil, err
	}
	if _, err := b.Obey(dir); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the state of the alerts cannot be read"))
	}
	b.show(time.Now())
	return b, nil
}

// Load is Read without the orders: for watch itself.
func Load(dir string) (*Book, error) {
	path := filepath.Join(dir, File)
	text, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newBook(), nil
	}
	if regular.IsOther(err) {
		return nil, &UnusableError{Path: path, Err: err}
	}
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the state of the alerts cannot be read"))
	}
	return decode(path, text)
}

func newBook() *Book {
	return &Book{
		Format: format, Queues: map[string]*Queue{}, Outbox: map[string]*Message{}, Places: map[string]Place{},
		Counts: map[string]*Count{},
	}
}

func decode(path string, text []byte) (*Book, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, &UnusableError{Path: path, Err: err}
	}
	if head.Format > format {
		return nil, &UnusableError{Path: path, Newer: true}
	}
	if head.Format < 1 {
		return nil, &UnusableError{Path: path, Err: errors.New("it names no format")}
	}
	b := newBook()
	if err := json.Unmarshal(text, b); err != nil {
		return nil, &UnusableError{Path: path, Err: err}
	}
	return b, nil
}

// Write writes the book, whole or not at all.
func (b *Book) Write(dir string) error {
	b.Format = format
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(b); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, File), 0o600, text.Bytes())
}

// SetAside renames a state file that cannot be used, so that watch can start over. It
// returns the file's new name.
func SetAside(dir string, now time.Time) (string, error) {
	path := filepath.Join(dir, File)
	aside := path + ".unusable-" + now.Format("20060102-150405")
	return aside, os.Rename(path, aside)
}

// Shown are the alerts for people: the active ones, oldest first, then those resolved
// since a moment, the newest first.
func (b *Book) Shown(since time.Time) []Alert {
	out := slices.Clone(b.Alerts)
	for _, a := range slices.Backward(b.History) {
		if !a.ResolvedAt.Before(since) {
			out = append(out, a)
		}
	}
	return out
}
