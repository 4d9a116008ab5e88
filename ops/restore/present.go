package restore

import (
	"slices"
	"time"
)

// Present is the live schema at a moment, by a fresh look at the server.
type Present struct {
	At          time.Time      `json:"checked_at"`
	SchemaThere bool           `json:"schema_exists"`
	Tables      []PresentTable `json:"tables"`
	Error       string         `json:"error,omitempty"` // why the look failed; then the rest says nothing
}

// PresentTable is a table that is there.
type PresentTable struct {
	Name  string `json:"name"`
	State string `json:"state"` // rows, empty, unreadable
}

// State of a table, or "missing".
func (n Present) State(table string) string {
	i := slices.IndexFunc(n.Tables, func(t PresentTable) bool { return t.Name == table })
	if i < 0 {
		return "missing"
	}
	return n.Tables[i].State
}

// Expected are the tables that the live schema has to hold, as the run stands.
func (p *Plan) Expected(s Snapshot) []string {
	if s.Stage.Back() {
		return p.Leaving
	}
	return p.restored(s)
}
