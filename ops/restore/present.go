package restore

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
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

// lookWait bounds the look for a report.
const lookWait = 30 * time.Second

// present looks at the live schema. A look that fails says so in its Error.
func (c *Crew) present(ctx context.Context, p *Plan, s Snapshot) Present {
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	now, err := c.Database.Present(ctx, p, p.avoid(s))
	if err != nil {
		now = Present{Error: err.Error()}
	}
	now.At = c.Clock.Now()
	return now
}

// avoid are the live tables that must not be touched, as long as they are live.
func (p *Plan) avoid(s Snapshot) []string {
	if s.Swapped {
		return nil
	}
	return p.Unreadable
}

// lacks tells what of the live schema is missing that the service needs: it is
// not started on a database that is not there.
func (c *Crew) lacks(ctx context.Context, p *Plan, s Snapshot) (Note, error) {
	now, err := c.Database.Present(ctx, p, p.avoid(s))
	if err != nil {
		return Note{}, err
	}
	if !now.SchemaThere {
		return N(lang.M("the database %s does not exist", p.Target.Database)), nil
	}
	var missing []string
	for _, t := range p.expected(s) {
		if now.State(t) == "missing" {
			missing = append(missing, t)
		}
	}
	switch {
	case len(missing) > 0:
		return N(lang.M("tables are missing in %s: %s", p.Target.Database, strings.Join(missing, ", "))), nil
	case len(now.Tables) == 0 && !p.Bare():
		return N(lang.M("the database %s holds no table", p.Target.Database)), nil
	}
	return Note{}, nil
}

// expected are the tables that the live schema has to hold, as the run stands.
func (p *Plan) expected(s Snapshot) []string {
	if s.Stage.Back() {
		return p.Leaving
	}
	if len(p.Coming) > 0 {
		return p.Coming
	}
	var names []string
	for _, t := range s.Data.TableRows {
		if t.State != "missing" {
			names = append(names, t.Table)
		}
	}
	return names
}

// leaveDown does not start the service. On the way forward that is a question;
// on a way back nobody can answer it but the next restore.
func (c *Crew) leaveDown(s Snapshot, missing Note) (Event, error) {
	if s.Stage != AbortStarting && s.Stage != UndoStarting {
		return Event{}, ops.E(ops.Failed, lang.M("the service is not started: %s", missing.Msg))
	}
	return Event{Kind: KindDone, Data: &Data{Unstarted: true},
		Notes: []Note{N(lang.M("the service is not started: %s", missing.Msg))}}, nil
}

// saving is the plan with the name of the emergency backup of this round: a run
// that is taken up after it was given up saves the state of now.
func (p *Plan) saving(s Snapshot) *Plan {
	if s.Rounds == 0 || p.Emergency == "" {
		return p
	}
	at := p.CreatedAt
	for _, m := range s.Trail {
		if m.Stage == Checking {
			at = m.Begin
		}
	}
	again := *p
	name := EmergencyName(p.Target.Live, at.In(p.CreatedAt.Location()))
	if strings.HasSuffix(p.Emergency, ".age") {
		name += ".age"
	}
	again.Emergency = filepath.Join(filepath.Dir(p.Emergency), name)
	return &again
}

// untrue are the sentences that the report must say because the database is not
// as the result claims.
func (p *Plan) untrue(s Snapshot, now Present) []Note {
	db := p.Target.Database
	switch {
	case now.Error != "":
		return []Note{N(lang.M("could not check what %s holds now: %s", db, now.Error))}
	case p.Mode == Into && s.Stage.Back():
		return nil
	case !now.SchemaThere:
		return []Note{N(lang.M("The database %s does not exist now.", db))}
	}
	var missing, empty []string
	rows := map[string]int64{}
	for _, t := range s.Data.TableRows {
		rows[t.Table] = t.Rows
	}
	for _, t := range p.expected(s) {
		switch state := now.State(t); {
		case state == "missing" || state == "unreadable":
			missing = append(missing, t)
		case state == "empty" && rows[t] > 0 && !s.Stage.Back():
			empty = append(empty, t)
		}
	}
	var out []Note
	if len(missing) > 0 {
		out = append(out, N(lang.M("Missing or unreadable in %s now: %s", db, strings.Join(missing, ", "))))
	}
	if len(empty) > 0 {
		out = append(
			out,
			N(lang.M("Empty in %s now, though they were restored with rows: %s", db, strings.Join(empty, ", "))),
		)
	}
	return out
}

// Untrue is what a fresh look at the end found against the result; empty: nothing.
func (r *Run) Untrue() []Note {
	if r.State.Data.Now == nil {
		return nil
	}
	return r.Plan.untrue(r.State, *r.State.Data.Now)
}
