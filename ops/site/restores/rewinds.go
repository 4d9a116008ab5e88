package restores

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/rewind"
)

// RewindPrefix begins the id of a transaction that was taken back.
const RewindPrefix = "rewind-"

// Rewind is what is kept of one, with what takes it back.
type Rewind struct {
	ID       string          `json:"id"`
	Service  string          `json:"service"`
	Database string          `json:"database"`
	Txn      string          `json:"txn"`
	Txns     []string        `json:"txns,omitempty"` // all of them, where there are several
	At       time.Time       `json:"at"`
	State    string          `json:"state"`
	Rows     int             `json:"rows"`              // changes in the file beside it, NAME.rows.zst
	Inverse  []binlog.NetRow `json:"inverse,omitempty"` // where earlier versions kept them
	Shape    rewind.Shape    `json:"shape,omitempty"`   // what the values of the rows mean
}

// States of a Rewind. A prepared one was committed or not: its rows tell.
const (
	RewindPrepared = "prepared"
	RewindDone     = "done"
	RewindUndone   = "undone"
)

// Rewinds are the transactions that were taken back, a file each in a state folder.
type Rewinds struct{ StateDir string }

func (s Rewinds) path(id string) string {
	return filepath.Join(s.StateDir, "rewinds", filepath.Base(id)+".json")
}

// rows is the file of the rows that take it back.
func (s Rewinds) rows(id string) string {
	return strings.TrimSuffix(s.path(id), ".json") + ".rows.zst"
}

// Dir is the folder of the records, made if needed.
func (s Rewinds) Dir() (string, error) {
	dir := filepath.Join(s.StateDir, "rewinds")
	return dir, os.MkdirAll(dir, 0o700)
}

// KeepInverse keeps the changes of a record's run, then the record that tells of them.
func (s Rewinds) KeepInverse(r Rewind, changes rewind.Changes) error {
	if _, err := s.Dir(); err != nil {
		return err
	}
	err := atomicfile.Write(s.rows(r.ID), 0o600, func(w io.Writer) error {
		return rewind.WriteInverse(w, r.Rows, changes)
	})
	if err != nil {
		return err
	}
	return s.Keep(r)
}

// Inverse reads the changes of a record's run.
func (s Rewinds) Inverse(r Rewind) rewind.Changes {
	return func(take func(binlog.NetRow) error) error {
		for _, row := range r.Inverse {
			if err := take(row); err != nil {
				return err
			}
		}
		if r.Rows == 0 {
			return nil
		}
		file, err := regular.Open(s.rows(r.ID))
		if err != nil {
			return fmt.Errorf("%w: %w", rewind.ErrInverse, err)
		}
		defer file.Close()
		return rewind.ReadInverse(file, take)
	}
}

// Keep writes the record.
func (s Rewinds) Keep(r Rewind) error {
	path := s.path(r.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, data)
}

// Load reads a record.
func (s Rewinds) Load(id string) (r Rewind, err error) {
	data, err := regular.ReadFile(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return r, ops.E(ops.Usage, lang.M("no undone transaction has the id %q", id))
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// Repeats is an earlier rewind, not undone, of one of a plan's transactions that changed a table
// without a key: done again, it would do the same to further equal rows. nil if there is none.
func (s Rewinds) Repeats(service string, p *rewind.Plan) (*Rewind, error) {
	if len(p.Bare) == 0 {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(s.StateDir, "rewinds", RewindPrefix+"*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		r, err := s.Load(strings.TrimSuffix(filepath.Base(name), ".json"))
		if err != nil {
			return nil, err
		}
		again := slices.ContainsFunc(p.Txns, func(t *binlog.Transaction) bool { return r.tookBack(t.ID) })
		if r.Service != service || r.State == RewindUndone || !again {
			continue
		}
		found := false
		err = s.Inverse(r)(func(row binlog.NetRow) error {
			found = found || slices.Contains(p.Bare, row.Table)
			return nil
		})
		if err != nil || found {
			return &r, err
		}
	}
	return nil, nil
}

// tookBack reports whether a transaction was taken back by it.
func (r Rewind) tookBack(id string) bool { return id == r.Txn || slices.Contains(r.Txns, id) }

// Of are a service's rewinds that changed rows, the newest first; those that cannot be read are
// left out.
func (s Rewinds) Of(service string) (all []Rewind) {
	names, _ := filepath.Glob(filepath.Join(s.StateDir, "rewinds", RewindPrefix+"*.json"))
	for _, name := range names {
		r, err := s.Load(strings.TrimSuffix(filepath.Base(name), ".json"))
		if err == nil && r.Service == service && (r.Rows > 0 || len(r.Inverse) > 0) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Rewind) int { return b.At.Compare(a.At) })
	return all
}

// Newest is the id of a service's newest one that changed rows and is newer than a time; ""
// when there is none. One that cannot be read may be of any service, and is as old as its file.
func (s Rewinds) Newest(service string, after time.Time) (found string) {
	entries, _ := os.ReadDir(filepath.Join(s.StateDir, "rewinds"))
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !strings.HasPrefix(id, RewindPrefix) {
			continue
		}
		at := time.Time{}
		if r, err := s.Load(id); err == nil {
			nothing := r.Rows == 0 && len(r.Inverse) == 0 // as earlier versions kept them too
			if r.Service != service || nothing {
				continue
			}
			at = r.At
		} else if info, err := e.Info(); err == nil {
			at = info.ModTime()
		}
		if at.After(after) { // an id tells only the second
			after, found = at, id
		}
	}
	return found
}
