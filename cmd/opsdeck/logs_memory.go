package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/tui/logview"
)

// logsMemory is what the Logs tab remembers from one console to the next, beside
// the state: a file for each service.
type logsMemory struct{ path string }

type rememberedLogs struct {
	History []string           `json:"history"`
	Marks   []logview.Bookmark `json:"bookmarks"`
}

func newLogsMemory(dir, service string) *logsMemory {
	return &logsMemory{filepath.Join(dir, "logs-"+filepath.Base(filepath.Clean(service))+".json")}
}

// read returns what was kept; what cannot be read is as good as nothing.
func (m *logsMemory) read() (r rememberedLogs) {
	if b, err := os.ReadFile(m.path); err == nil && json.Unmarshal(b, &r) != nil {
		return rememberedLogs{}
	}
	return r
}

// change reads what is there, for another console may have written to it, and
// writes it changed.
func (m *logsMemory) change(f func(*rememberedLogs)) error {
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	r := m.read()
	f(&r)
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(m.path, 0o600, append(b, '\n'))
}

func (m *logsMemory) saveHistory(all []string) error {
	return m.change(func(r *rememberedLogs) { r.History = all })
}

func (m *logsMemory) saveMarks(all []logview.Bookmark) error {
	return m.change(func(r *rememberedLogs) { r.Marks = all })
}
