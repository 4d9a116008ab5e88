package restore

import (
	"slices"
	"time"
)

// Present is the live database's state at the time of a fresh check.
type Present struct {
	At          time.Time      `json:"checked_at"`
	SchemaThere bool           `json:"schema_exists"`
	Tables      []PresentTable `json:"tables"`
	Error       string         `json:"error,omitempty"` // why the check failed; then the rest is void
}

// PresentTable is an existing table.
type PresentTable struct {
	Name  string `json:"name"`
	State string `json:"state"` // rows, empty, unreadable
}

// State is a table's state, or "missing".
func (n Present) State(table string) string {
	i := slices.IndexFunc(n.Tables, func(t PresentTable) bool { return t.Name == table })
	if i < 0 {
		return "missing"
	}
	return n.Tables[i].State
}

// Expected are the tables that the live database must have in the run's current state.
func (p *Plan) Expected(s Snapshot) []string {
	if s.Stage.Back() {
		return p.Leaving
	}
	return p.restored(s)
}
