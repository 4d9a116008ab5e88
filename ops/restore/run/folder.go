package run

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/journal"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
)

// Store is the folder of all runs: restores/<id>/{plan.json, journal.jsonl, report.md} and
// the locks.
type Store struct{ Dir string } // the state folder

// ErrNoRun reports that no restore has this id.
var ErrNoRun = errors.New("no such restore")

var validID = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$`)

// Folder is the folder of a run.
func (st Store) Folder(id string) Folder { return Folder{filepath.Join(st.Dir, "restores", id)} }

// TargetLock is the path of the lock that prevents a second restore of the same database
// of a server.
func (st Store) TargetLock(t restore.Target) string {
	sum := sha256.Sum256([]byte(t.Identity + "\x00" + t.Database))
	return filepath.Join(st.Dir, "locks", "restore-"+hex.EncodeToString(sum[:8])+".lock")
}

// Save creates the folder of a plan; the plan is durable when it returns.
func (st Store) Save(p *restore.Plan) (Folder, error) {
	f := st.Folder(p.ID)
	if err := os.MkdirAll(filepath.Join(f.Path, "inbox"), 0o700); err != nil {
		return f, err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return f, fmt.Errorf("encode plan: %w", err)
	}
	if err := atomicfile.WriteBytes(f.PlanPath(), 0o600, append(text, '\n')); err != nil {
		return f, fmt.Errorf("write plan: %w", err)
	}
	return f, atomicfile.SyncDir(filepath.Dir(f.Path))
}

// Runs are the ids of all runs, the one that started last first. A folder with neither
// plan nor journal is left from a crash before anything started.
func (st Store) Runs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(st.Dir, "restores"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if !e.IsDir() || !validID.MatchString(e.Name()) {
			continue
		}
		if st.Folder(e.Name()).ofRun() {
			ids = append(ids, e.Name())
		}
	}
	begun := map[string]time.Time{}
	for _, id := range ids {
		begun[id] = st.Folder(id).Begun()
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(begun[b].Compare(begun[a]), strings.Compare(b, a))
	})
	return ids, nil
}

// Begun is when the run started, or when it was planned if it has not. An id gives only
// the second of the plan, and the plan may be reviewed for a long time.
func (f Folder) Begun() time.Time {
	if at := f.firstLine(); !at.IsZero() {
		return at
	}
	var p struct {
		CreatedAt time.Time `json:"created_at"`
	}
	text, err := regular.ReadFile(f.PlanPath())
	if err == nil && json.Unmarshal(text, &p) == nil && !p.CreatedAt.IsZero() {
		return p.CreatedAt
	}
	id := filepath.Base(f.Path)
	at, _ := time.Parse("20060102-150405", id[:min(len(id), 15)])
	return at
}

// firstLine is the time of the journal's first line; zero if there is none.
func (f Folder) firstLine() time.Time {
	in, err := regular.Open(f.JournalPath())
	if err != nil {
		return time.Time{}
	}
	defer in.Close()
	text, err := bufio.NewReader(in).ReadBytes('\n')
	if err != nil {
		return time.Time{}
	}
	line, _ := journal.Decode[Line](text[:len(text)-1])
	return line.Time
}

// Load reads the state of a run. An empty id is the newest.
func (st Store) Load(id string) (*Run, error) {
	if id == "" {
		ids, err := st.Runs()
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, ErrNoRun
		}
		id = ids[0]
	}
	if !validID.MatchString(id) {
		return nil, fmt.Errorf("%q: %w", id, ErrNoRun)
	}
	return st.Folder(id).Load()
}

// Unfinished finds a run of this target that has started and is not over. One that cannot
// be read is an error: it may be such a run.
func (st Store) Unfinished(t restore.Target) (*Run, error) {
	open, err := st.OpenRuns()
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		switch {
		case o.Run == nil:
			return nil, o.Unreadable()
		case o.concerns(t):
			return o.Run, nil
		}
	}
	return nil, nil
}

// Folder is the folder of one run.
type Folder struct{ Path string }

// PlanPath is the plan's path.
func (f Folder) PlanPath() string { return filepath.Join(f.Path, "plan.json") }

// JournalPath is the journal's path.
func (f Folder) JournalPath() string { return filepath.Join(f.Path, "journal.jsonl") }

// ReportPath is the path of the Markdown report.
func (f Folder) ReportPath() string { return filepath.Join(f.Path, "report.md") }

// ReportJSONPath is the path of the report for programs.
func (f Folder) ReportJSONPath() string { return filepath.Join(f.Path, "report.json") }

// WorkerLock is the path of the lock that the worker holds while it runs.
func (f Folder) WorkerLock() string { return filepath.Join(f.Path, "worker.lock") }

func (f Folder) progressPath() string { return filepath.Join(f.Path, "progress.json") }

// Plan reads the plan and verifies that it was not modified.
func (f Folder) Plan() (*restore.Plan, error) {
	text, err := regular.ReadFile(f.PlanPath())
	if errors.Is(err, fs.ErrNotExist) {
		if f.ofRun() {
			return nil, fmt.Errorf("%s: %w", f.PlanPath(), errPlanLost)
		}
		return nil, fmt.Errorf("%s: %w", filepath.Base(f.Path), ErrNoRun)
	}
	if err != nil {
		return nil, err
	}
	var p restore.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.PlanPath(), err)
	}
	if p.FormatVersion > restore.PlanVersion {
		return nil, ops.E(ops.Failed, lang.M("%s was made by a newer opsdeck", f.PlanPath()))
	}
	if !p.Intact() {
		return nil, fmt.Errorf("%s: %w", f.PlanPath(), restore.ErrPlanChanged)
	}
	return &p, nil
}

// Run is the state of a run, read from its folder.
type Run struct {
	Folder   Folder
	Plan     *restore.Plan
	Lines    []Line
	State    restore.Snapshot
	Pending  restore.Effect // started and not finished
	Alive    bool           // a worker is running
	Worker   lock.Holder
	Progress *ops.Progress // the newest of the current effect, if any
	NoUndo   lang.Msg      // why the undo that the state allows is not possible
}

// Open reports that the run has started and is not over.
func (r *Run) Open() bool { return r.State.Stage != restore.Planned && !r.State.Stage.Final() }

// LastBy is the person of the last request: who started or resumed the run.
func (r *Run) LastBy() string {
	for i := len(r.Lines) - 1; i >= 0; i-- {
		if e := r.Lines[i].Event; e != nil && e.By != "" {
			return e.By
		}
	}
	return ""
}

// Load reads the run's state.
func (f Folder) Load() (*Run, error) {
	p, err := f.Plan()
	if err != nil {
		return nil, err
	}
	// The lock is read before the journal: a worker that ends in between has written its last
	// line.
	worker, alive, err := lock.Look(f.WorkerLock())
	if err != nil {
		return nil, fmt.Errorf("check the worker's lock: %w", err)
	}
	lines, err := ReadJournal(f.JournalPath())
	if err != nil {
		return nil, err
	}
	r := &Run{Folder: f, Plan: p, Lines: lines, Worker: worker, Alive: alive}
	if r.State, r.Pending, err = fold(p, lines); err != nil {
		return nil, err
	}
	if r.State.Stage == restore.Planned && f.touched() {
		return nil, fmt.Errorf("%s: %w", f.JournalPath(), errJournalLost)
	}
	if !r.Alive { // a worker may have started meanwhile
		if r.Worker, r.Alive, err = lock.Look(f.WorkerLock()); err != nil {
			return nil, fmt.Errorf("check the worker's lock: %w", err)
		}
	}
	r.Progress = f.progress(r.State.Seq)
	r.NoUndo = noUndo(r.State)
	return r, nil
}

type progressFile struct {
	Seq      int          `json:"seq"`
	Progress ops.Progress `json:"progress"`
}

// SaveProgress stores the newest progress for watchers. Losing it does no harm.
func (f Folder) SaveProgress(seq int, p ops.Progress) error {
	text, err := json.Marshal(progressFile{seq, p})
	if err != nil {
		return err
	}
	tmp := f.progressPath() + atomicfile.Suffix
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, f.progressPath())
}

func (f Folder) progress(seq int) *ops.Progress {
	text, err := regular.ReadFile(f.progressPath())
	var in progressFile
	if err != nil || json.Unmarshal(text, &in) != nil || in.Seq != seq {
		return nil
	}
	return &in.Progress
}

// Send stores a request for the worker; it is durable when Send returns.
func (f Folder) Send(q Request) error {
	text, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	dir := filepath.Join(f.Path, "inbox")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := fmt.Sprintf("%019d-%d.json", time.Now().UnixNano(), os.Getpid())
	return atomicfile.WriteBytes(filepath.Join(dir, name), 0o600, text)
}

// take removes and returns the oldest request. An unreadable file is removed too: it would
// block all others.
func (f Folder) take() (q Request, ok bool) {
	dir := filepath.Join(f.Path, "inbox")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return q, false
	}
	for _, e := range entries { // sorted by name, and so by time
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := regular.ReadFile(path)
		if err != nil || os.Remove(path) != nil {
			continue
		}
		if json.Unmarshal(text, &q) == nil {
			return q, true
		}
	}
	return q, false
}

// Untrue is what a fresh check at the end found to contradict the result; empty for
// nothing.
func (r *Run) Untrue() []restore.Note {
	return report.Untrue(r.Plan, r.State)
}
