package run

import (
	"path/filepath"
	"strings"

	"opsdeck/internal/regular"
	"opsdeck/ops/restore"
)

// WorkerLog is the file with what a worker says that ends before it begins.
func (f Folder) WorkerLog() string { return filepath.Join(f.Path, "worker.log") }

// WorkerSaid is the end of the worker's log as one line; empty if it said nothing.
func (f Folder) WorkerSaid() string {
	text, err := regular.ReadFile(f.WorkerLog())
	if err != nil {
		return ""
	}
	said := strings.TrimSpace(string(text))
	if at := strings.LastIndex(said, "\nopsdeck: "); at >= 0 {
		said = said[at+1:]
	}
	return strings.Join(strings.Fields(strings.TrimPrefix(said, "opsdeck: ")), " ")
}

// Unstarted reports that the plan was confirmed and no worker ever began to carry it out.
// why is what the worker said; it may be empty.
func (r *Run) Unstarted() (why string, ok bool) {
	if r.State.Stage != restore.Planned || r.Alive {
		return "", false
	}
	return r.Folder.WorkerSaid(), true
}
