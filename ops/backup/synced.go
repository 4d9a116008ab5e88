package backup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
)

// Synced is how the last sync of a copy ended.
type Synced struct {
	Copy   string    `json:"copy"`
	Target string    `json:"target"` // the location
	At     time.Time `json:"at"`     // zero: none was ever made
	Error  string    `json:"error,omitempty"`
}

func syncedPath(stateDir, copy, target string) string {
	return strings.TrimSuffix(listingPath(stateDir, copy, target), ".json") + ".sync"
}

// ReadSynced reads how the last sync of a copy at a location ended.
func ReadSynced(stateDir, copy, target string) (Synced, error) {
	text, err := regular.ReadFile(syncedPath(stateDir, copy, target))
	none := Synced{Copy: copy, Target: target}
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	s := none
	if err := json.Unmarshal(text, &s); err != nil {
		return none, err
	}
	return s, nil
}

// WriteSynced saves how a sync ended.
func WriteSynced(stateDir string, s Synced) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := syncedPath(stateDir, s.Copy, s.Target)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, text)
}
