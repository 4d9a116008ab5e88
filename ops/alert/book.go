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

// Covers tells whether the silence is for an alert at a moment.
func (s Silence) Covers(a *Alert, now time.Time) bool {
	return (s.Rule == "*" || s.Rule == a.Rule) && (s.Service == "" || s.Service == a.Service) &&
		!now.Before(s.From) && now.Before(s.Until)
}

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

// Read reads the book of a state folder. Where watch never ran it is empty. A file
// that is cut, foreign or newer is an *UnusableError.
func Read(dir string) (*Book, error) {
	path := filepath.Join(dir, File)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Book{Format: format}, nil
	}
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the state of the alerts cannot be read"))
	}
	return decode(path, text)
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
	b := &Book{}
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
