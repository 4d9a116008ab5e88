// Package standby manages the warm shadow of a database: its record, whether a restore may
// use it, and its description for people. The rows themselves, and the applied binlog
// position, are on the server.
package standby

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Version is the format version of standby.json.
const Version = 1

// State is a standby's state.
type State string

// The states. Off has no database; a broken one waits for a backup to be rebuilt from.
const (
	Off      State = "off"
	Building State = "building"
	Ready    State = "ready"
	Broken   State = "broken"
)

// Record is the stored record of a standby.
type Record struct {
	FormatVersion int          `json:"format_version"`
	Service       string       `json:"service"`
	Database      string       `json:"database"`
	Server        string       `json:"server"` // its identity
	ID            string       `json:"id"`
	Schema        string       `json:"schema"`
	State         State        `json:"state"`
	Why           restore.Note `json:"why,omitzero"` // of a broken one
	Backup        string       `json:"backup"`       // that it was loaded from
	BackupAt      time.Time    `json:"backup_at"`
	Done          string       `json:"gtid_done,omitempty"` // logged transactions that the backup held
	BuiltAt       time.Time    `json:"built_at,omitzero"`
	BuildMS       int64        `json:"build_ms,omitempty"`
	Place         binlog.Place `json:"place"` // it contains the log up to here
	AppliedTo     time.Time    `json:"applied_to,omitzero"`
	LookedAt      time.Time    `json:"looked_at,omitzero"`    // when the log was last applied or checked
	Paused        restore.Note `json:"paused,omitzero"`       // why the log is not applied now
	Tried         string       `json:"tried,omitempty"`       // the backup with which a standby broke
	NotBefore     time.Time    `json:"not_before,omitzero"`   // only a later backup can be rolled forward
	Rate          float64      `json:"rows_second,omitempty"` // changed rows applied per second
	Check         *Check       `json:"check,omitempty"`
	Hold          *Hold        `json:"hold,omitempty"`
	// Quiet is the position in the server's log after opsdeck's last work on the standby. Zero
	// while it works, and after a kill.
	Quiet binlog.Place `json:"quiet,omitzero"`
}

// Check is a comparison of a standby with a backup, at the backup's binlog position: for
// each table the rows, their checksum, and the definition.
type Check struct {
	At       time.Time       `json:"at"`
	Backup   string          `json:"backup"`
	BackupAt time.Time       `json:"backup_at"`
	Place    binlog.Position `json:"place"`
	Tables   int             `json:"tables"`
	Rows     int64           `json:"rows"`
	Good     bool            `json:"good"`
	Differs  []restore.Note  `json:"differs,omitempty"`
	// Seen is the position in the server's log before the check started: later writes come after it.
	Seen binlog.Place `json:"seen,omitzero"`
}

// Hold stops a standby from passing the moment of a plan that is being reviewed.
type Hold struct {
	At    binlog.Place `json:"at"`
	Until time.Time    `json:"until"`
}

// Store is the location of the record of one service's standby.
type Store struct {
	StateDir string
	Service  string
}

// Dir is the folder of the record, and of a build's files.
func (s Store) Dir() string { return filepath.Join(s.StateDir, "standby", url.PathEscape(s.Service)) }

func (s Store) path() string { return filepath.Join(s.Dir(), "standby.json") }

func (s Store) holdPath() string { return filepath.Join(s.Dir(), "hold.json") }

// Lock is the path of the lock held by processes that work on the standby.
func (s Store) Lock() string {
	return filepath.Join(s.StateDir, "locks", "standby-"+url.PathEscape(s.Service)+".lock")
}

// Folder is where the build with that id keeps what it needs to resume after a kill.
func (s Store) Folder(id string) run.Folder {
	return run.Folder{Path: filepath.Join(s.Dir(), id)}
}

// Load reads the record; a missing one is Off.
func (s Store) Load() (*Record, error) {
	none := &Record{FormatVersion: Version, Service: s.Service, State: Off}
	text, err := regular.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Record{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.path(), err)
	}
	if r.FormatVersion > Version {
		return nil, fmt.Errorf("%s was written by a later version of opsdeck (format %d)", s.path(), r.FormatVersion)
	}
	r.Hold = s.hold()
	return r, nil
}

// Save writes the record atomically.
func (s Store) Save(r *Record) error {
	out := *r
	out.Hold = nil
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir(), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(s.path(), 0o600, append(text, '\n'))
}

// Keep stops the standby from passing a position for a while, because a plan under review
// needs it. It has its own file, because the process that applies the log writes the
// record.
func (s Store) Keep(h Hold) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir(), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(s.holdPath(), 0o600, text)
}

// hold is the current hold; one that cannot be read holds nothing, and at most costs a
// planned restore its standby.
func (s Store) hold() *Hold {
	text, err := regular.ReadFile(s.holdPath())
	var h Hold
	if err != nil || json.Unmarshal(text, &h) != nil {
		return nil
	}
	return &h
}
