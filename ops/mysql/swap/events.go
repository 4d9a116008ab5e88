package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// An event gets its status from the backup, except one that is disabled in the live
// database: somebody has switched it off since, and a restore does not start it again.

func eventsPath(f run.Folder) string { return filepath.Join(f.Path, "events.json") }

// keepEnabled records which loaded events are enabled in the backup; a shadow keeps them
// disabled. A resumed load names only its own part.
func keepEnabled(f run.Folder, names []string) error {
	known, err := readEnabled(f)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			known = append(known, n)
		}
	}
	return saveEvents(eventsPath(f), known)
}

// setEnabled replaces the record of keepEnabled.
func setEnabled(f run.Folder, names []string) error { return saveEvents(eventsPath(f), names) }

func readEnabled(f run.Folder) ([]string, error) { return readJSON[[]string](eventsPath(f)) }

func saveEvents(path string, names []string) error {
	text, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("encode the events: %w", err)
	}
	return atomicfile.WriteBytes(path, 0o600, text)
}

// keepOff lists the events that are disabled in the live database, as they were before
// this restore first emptied it.
func keepOff(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) ([]string, error) {
	if len(p.Tables) > 0 {
		return nil, nil
	}
	path := filepath.Join(f.Path, "events-off.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return readJSON[[]string](path)
	}
	off, err := eventsOff(ctx, c, p.Target.Database)
	if err != nil {
		return nil, err
	}
	return off, saveEvents(path, off)
}

func eventsOff(ctx context.Context, c *sql.Conn, in string) ([]string, error) {
	return column(ctx, c, "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? AND "+
		"STATUS <> 'ENABLED' ORDER BY EVENT_NAME", in)
}

// keepOff disables the coming events that are disabled in the live database.
func (r *record) keepOff() {
	for i, o := range r.Coming.Objects {
		if o.Kind == "event" && o.Enabled && r.isOff(o.Name) {
			r.Coming.Objects[i].Enabled = false
			r.Off = append(r.Off, o.Name)
		}
	}
}

// isOff tells whether the live database has the event, disabled.
func (r *record) isOff(name string) bool {
	return slices.ContainsFunc(r.Leaving.Objects, func(o object) bool {
		return o.Kind == "event" && !o.Enabled && strings.EqualFold(o.Name, name)
	})
}

// stayOff are the remarks about the events that keepOff has disabled.
func (r *record) stayOff() (notes []restore.Note) {
	for _, name := range r.Off {
		notes = append(notes, restore.N(lang.M("the event %s stays disabled, as it was before the restore", name)))
	}
	return notes
}
