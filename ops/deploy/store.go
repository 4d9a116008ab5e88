package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/pattern"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// Store is the folder of all deployments: deploys/<id>/{plan.json, journal.jsonl,
// report.md} and the locks.
type Store struct{ Dir string } // the state folder

var validID = pattern.New(`^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$`)

// IsID tells whether a name is that of a deployment.
func IsID(name string) bool { return validID.MatchString(name) }

// Lock is the path of the lock that keeps a second deployment from a service.
func (st Store) Lock(service string) string {
	return filepath.Join(st.Dir, "locks", "deploy-"+fmt.Sprintf("%x", service)+".lock")
}

// Folder is the folder of a deployment.
func (st Store) Folder(id string) string { return filepath.Join(st.Dir, "deploys", id) }

// JournalPath is that of the journal of a deployment.
func (st Store) JournalPath(id string) string { return filepath.Join(st.Folder(id), "journal.jsonl") }

// ReportPath is that of the report of a deployment.
func (st Store) ReportPath(id string) string { return filepath.Join(st.Folder(id), "report.md") }

// Save makes the folder of a plan; the plan is durable when it returns.
func (st Store) Save(p *Plan) error {
	dir := st.Folder(p.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, "plan.json"), 0o600, append(text, '\n')); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}

// Deployment is one deployment as its folder tells.
type Deployment struct {
	Plan  *Plan
	Lines []Line
	State State
}

// Load reads a deployment.
func (st Store) Load(id string) (*Deployment, error) {
	none := ops.E(ops.Usage,
		lang.M("there is no deployment %q", id)).WithHint(lang.M("list them: opsdeck deploy status"))
	if !validID.MatchString(id) {
		return nil, none
	}
	path := filepath.Join(st.Folder(id), "plan.json")
	text, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	var p Plan
	err = json.Unmarshal(text, &p)
	switch {
	case err == nil && p.FormatVersion > PlanVersion:
		return nil, ops.E(ops.Failed, lang.M("%s was made by a newer opsdeck", path))
	case err != nil || !p.Intact():
		return nil, ops.E(ops.Failed, lang.M("%s is damaged or was changed", path))
	}
	lines, err := ReadJournal(st.JournalPath(id))
	if err != nil {
		return nil, err
	}
	return &Deployment{Plan: &p, Lines: lines, State: Fold(&p, lines)}, nil
}

// IDs are the ids of all deployments, the newest first.
func (st Store) IDs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(st.Dir, "deploys"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && validID.MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, err
}

// Open is the deployment of a service that needs somebody: one that was begun and is not
// over, else the newest that could not be taken back completely, whatever came later; nil
// for none. One that cannot be read is an error: it may be one that is not over.
func (st Store) Open(service string) (*Deployment, error) {
	all, err := st.Of(service)
	if err != nil {
		return nil, err
	}
	return NeedsSomebody(all), nil
}

// NeedsSomebody is what Open finds among the deployments of a service.
func NeedsSomebody(all []*Deployment) *Deployment {
	for _, result := range []Result{"", ResultStuck} {
		for _, d := range all {
			if d.State.Result == result {
				return d
			}
		}
	}
	return nil
}

// Of are the deployments of a service that were begun, the newest first. One that
// cannot be read is an error: it may be one that is not over.
func (st Store) Of(service string) ([]*Deployment, error) {
	ids, err := st.IDs()
	if err != nil {
		return nil, err
	}
	var out []*Deployment
	for _, id := range ids {
		if _, err := os.Stat(filepath.Join(st.Folder(id), "plan.json")); errors.Is(err, fs.ErrNotExist) {
			continue // a crash before the plan was written
		}
		d, err := st.Load(id)
		if err != nil {
			return nil, err
		}
		if d.Plan.Service == service && len(d.Lines) > 0 {
			out = append(out, d)
		}
	}
	// Ids of one second are in no order.
	slices.SortStableFunc(out, func(a, b *Deployment) int { return b.Plan.CreatedAt.Compare(a.Plan.CreatedAt) })
	return out, nil
}
