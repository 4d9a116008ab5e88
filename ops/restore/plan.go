package restore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
)

// PlanVersion is the format version of plan.json.
const PlanVersion = 1

// Plan is everything that a restore will do. It is made once, shown, hashed, confirmed,
// and executed as shown.
type Plan struct {
	FormatVersion int         `json:"format_version"`
	ID            string      `json:"id"`
	CreatedAt     time.Time   `json:"created_at"`
	Operator      string      `json:"operator"` // user, sudo, and origin of the planner
	Service       string      `json:"service"`
	Target        Target      `json:"target"`
	Source        Source      `json:"source"`
	Mode          Mode        `json:"mode"`
	Tables        []string    `json:"tables,omitempty"` // the scope; empty means the whole database
	Leaving       []string    `json:"leaving"`          // live tables that are replaced
	Coming        []string    `json:"coming"`           // tables of the backup that replace them; empty: all
	Vanishing     []string    `json:"vanishing,omitempty"`
	Gaps          []Gap       `json:"gaps,omitempty"`       // what would be dropped or shrink
	Accepted      []string    `json:"accepted,omitempty"`   // those of them that the operator accepted
	Unreadable    []string    `json:"unreadable,omitempty"` // live tables that the swap cannot move and drops
	Without       []string    `json:"without,omitempty"`    // objects left out, as the operator accepted: "table x" …
	Shadow        string      `json:"shadow,omitempty"`     // database that the backup is loaded into
	Kept          string      `json:"kept,omitempty"`       // database that keeps the old tables
	Emergency     string      `json:"emergency,omitempty"`
	SaveLater     bool        `json:"save_later,omitempty"` // it is made of the old tables, after the service is back
	Process       Process     `json:"process"`
	Ready         Ready       `json:"ready"`
	Verify        Checks      `json:"verify"`
	Notify        []string    `json:"notify,omitempty"`   // names of the targets
	Exported      []string    `json:"exported,omitempty"` // files with the rows that will be lost
	ExportedRows  int64       `json:"exported_rows,omitempty"`
	ExportedAt    time.Time   `json:"exported_at,omitzero"`
	Client        string      `json:"client,omitempty"` // the command of the server's client, for people
	LockWait      Span        `json:"lock_wait_ms"`
	Facts         []Finding   `json:"facts,omitempty"` // results of the assessment, good or bad
	Findings      []Finding   `json:"findings"`
	Steps         []StepPlan  `json:"steps"`
	Assessment    *Assessment `json:"assessment,omitempty"`
	Hash          string      `json:"hash"` // of everything that determines what will be done
	Seal          string      `json:"seal"` // of the names and statements that are derived from the id
}

// Span is a duration that JSON stores in milliseconds.
type Span time.Duration

// MarshalJSON writes milliseconds.
func (s Span) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Milliseconds())
}

// UnmarshalJSON reads milliseconds.
func (s *Span) UnmarshalJSON(data []byte) error {
	var ms int64
	if err := json.Unmarshal(data, &ms); err != nil {
		return err
	}
	*s = Span(time.Duration(ms) * time.Millisecond)
	return nil
}

// Target is the database that will be changed.
type Target struct {
	Database string `json:"database"` // with Into: the new database
	Live     string `json:"live"`     // the service's own database
	Address  string `json:"address"`
	Identity string `json:"identity"`
	Flavour  string `json:"flavour"`
	Version  string `json:"version"`
}

// Source is the backup that is restored.
type Source struct {
	Name        string        `json:"name"`
	Path        string        `json:"path"`
	Apart       bool          `json:"apart,omitempty"` // not among the listed backups: known by its path alone
	Copy        string        `json:"copy,omitempty"`  // where it is fetched from; empty: the local folder
	Fetch       string        `json:"fetch,omitempty"` // the command that fetches it, for people
	Kind        string        `json:"kind"`
	Engine      string        `json:"engine"`
	State       string        `json:"state"` // good, unverified, bad
	Database    string        `json:"database"`
	Databases   int           `json:"databases"`
	Flavour     string        `json:"flavour,omitempty"`
	Version     string        `json:"version,omitempty"`
	Server      string        `json:"server,omitempty"`       // which one it was made from; "" if unknown
	Other       bool          `json:"other_server,omitempty"` // not the service's own: never proposed
	SizeBytes   int64         `json:"size_bytes"`
	RawBytes    int64         `json:"raw_bytes,omitempty"`
	SHA256      string        `json:"sha256,omitempty"`
	At          time.Time     `json:"restored_to"`      // the time of its rows, or of the end of the replay
	Replay      *Replay       `json:"replay,omitempty"` // the part of the binlog to replay
	Manifest    bool          `json:"manifest"`
	Indexed     bool          `json:"indexed,omitempty"` // the manifest tells where each table's rows are
	Encrypted   bool          `json:"encrypted,omitempty"`
	Partial     bool          `json:"partial,omitempty"`
	Where       string        `json:"where,omitempty"`    // the rows were filtered
	NoData      bool          `json:"no_data,omitempty"`  // definitions only
	Unseen      bool          `json:"unseen,omitempty"`   // routines of other users may be missing
	Rowless     Note          `json:"rowless,omitzero"`   // the tables with only their definition
	Contents    []SourceTable `json:"contents,omitempty"` // of a dump without a manifest, if inspected
	Inspected   bool          `json:"inspected,omitempty"`
	Untold      Note          `json:"untold,omitzero"`       // why it could not be inspected
	Shrunk      []SourceTable `json:"shrunk,omitempty"`      // lost most rows; Rows is the earlier count
	PassedOver  []Note        `json:"passed_over,omitempty"` // backups that were not proposed, and why
	Consistent  bool          `json:"consistent"`
	Tables      []SourceTable `json:"tables,omitempty"`
	Objects     int           `json:"objects"`
	Definers    []string      `json:"definers,omitempty"`
	VerifiedAt  time.Time     `json:"verified_at,omitzero"`
	LastDrillAt time.Time     `json:"last_drill_at,omitzero"`
	Problems    []string      `json:"problems,omitempty"`
	Faults      []Note        `json:"faults,omitempty"`     // the problems, translatable
	Unloadable  bool          `json:"unloadable,omitempty"` // it is bad only because a verification could not load it

	Positions []binlog.BackupPosition `json:"-"` // its binlog positions
	// Others are databases of a dump that are not restored, Drops those that it drops and the
	// load does not.
	Others []string `json:"others,omitempty"`
	Drops  []string `json:"drops,omitempty"`
	// Definitions are those of a dump without a manifest, for a rehearsal; Unkept tells that
	// they were too many.
	Definitions []backup.DumpStatement `json:"-"`
	Unkept      bool                   `json:"-"`

	Holds []backup.Object `json:"-"` // its views, routines, triggers and events; nil if unknown
}

// SourceTable is a table as recorded in the manifest.
type SourceTable struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
	Engine   string `json:"engine,omitempty"`
	// Definition is the hash of its definition, for a sequence too; "" if unknown.
	Definition string `json:"definition_hash,omitempty"`
	Inexact    bool   `json:"inexact,omitempty"` // of a dump without a manifest: the loaded number may differ
	// The table's last chunk begins at the key LastKey ("" is the start of the table) and
	// holds LastRows rows: rows with a greater key, beyond those, were added later. This is
	// useful only if the key is a single number.
	LastKey  string `json:"last_key,omitempty"`
	LastRows int64  `json:"last_rows,omitempty"`
}

// Ends reports whether the end of the table's rows in the backup is known.
func (t SourceTable) Ends() bool { return t.LastRows > 0 || t.Rows == 0 && t.Checksum != "" }

// Table finds a table of the backup.
func (s Source) Table(name string) (SourceTable, bool) {
	i := slices.IndexFunc(s.Tables, func(t SourceTable) bool { return t.Name == name })
	if i < 0 {
		return SourceTable{}, false
	}
	return s.Tables[i], true
}

// Rows is the number of rows in all tables.
func (s Source) Rows() (n int64) {
	for _, t := range s.Tables {
		n += t.Rows
	}
	return n
}

// Process is how the service is stopped and started; Stop and Start are the commands as a
// person would type them.
type Process struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Stop  string `json:"stop,omitempty"`
	Start string `json:"start,omitempty"`
	Leave bool   `json:"leave,omitempty"` // it stays up: the operator's choice
}

// Untouched reports that opsdeck neither stops nor starts the service.
func (p Process) Untouched() bool { return p.Leave || p.Kind == "none" || p.Kind == "" }

// Ready is how the service reports that it is ready.
type Ready struct {
	URL  string `json:"url,omitempty"` // the full address; empty: not checked
	Wait Span   `json:"wait_ms"`
}

// Checks are the checks of the verification besides rows and checksums.
type Checks struct {
	KeyTables []string `json:"key_tables,omitempty"`
	SmokeTest []string `json:"smoke_test,omitempty"`
}

// StepPlan is one of the seven planned steps: the statements and commands in execution
// order, with secrets masked.
type StepPlan struct {
	Step       Step     `json:"step"`
	Name       string   `json:"name"`
	Skipped    bool     `json:"skipped,omitempty"`
	What       Note     `json:"what,omitzero"`
	Statements []string `json:"statements"`
	Back       Note     `json:"back,omitzero"`
}

// Choice is the operator's choice.
type Choice struct {
	Source string   `json:"source"`
	Mode   Mode     `json:"mode,omitempty"` // empty: as configured, if possible
	Into   string   `json:"into,omitempty"`
	Tables []string `json:"tables,omitempty"`
	Accept []string `json:"accept,omitempty"` // tables that may be dropped or shrink
	Leave  bool     `json:"leave,omitempty"`  // the service stays up
	// Unsaved is that the restore may go on without an emergency backup.
	Unsaved bool `json:"unsaved,omitempty"`
	// Moment is the end of the binlog replay; nil for the backup alone.
	Moment *binlog.Moment `json:"moment,omitempty"`
	From   string         `json:"from,omitempty"` // the database in the backup, if its name differs from the service's
}

// Settings are the configuration's settings.
type Settings struct {
	Service      string
	Mode         Mode
	Process      Process
	Ready        Ready
	Verify       Checks
	Notify       []string
	LockWait     time.Duration
	EmergencyDir string
	EmergencyExt string // behind .sql.gz: ".age" when backups are encrypted
	Client       string // the command of the server's client, for people
	Operator     string
}

// lowerCase is a list of names as a server stores them that does not tell their case apart.
func lowerCase(names []string) (out []string) {
	for _, n := range names {
		out = append(out, strings.ToLower(n))
	}
	return out
}

// Draft makes the plan for a choice. It never fails: an obstacle is a Finding that blocks.
func Draft(id string, now time.Time, c Choice, set Settings, src Source, live string, a *Assessment) *Plan {
	p := &Plan{
		FormatVersion: PlanVersion, ID: id, CreatedAt: now, Operator: set.Operator, Service: set.Service,
		Target: Target{
			Database: live,
			Live:     live,
			Address:  a.Server.Address,
			Identity: a.Server.Identity,
			Flavour:  a.Server.Flavour,
			Version:  a.Server.Version,
		},
		Source: src,
		Tables: slices.Clone(c.Tables), Accepted: slices.Clone(c.Accept),
		Process:    set.Process,
		Ready:      set.Ready,
		Verify:     set.Verify,
		Notify:     slices.Clone(set.Notify),
		LockWait:   Span(set.LockWait),
		Client:     set.Client,
		Assessment: a,
	}
	p.Process.Leave = c.Leave
	a.Loss.missObjects(src, a.Server.FoldsNames)
	if a.Server.FoldsNames {
		p.Tables = lowerCase(p.Tables)
		for _, name := range lowerCase(p.Accepted) { // routines keep their case
			if !slices.Contains(p.Accepted, name) {
				p.Accepted = append(p.Accepted, name)
			}
		}
		p.Verify.KeyTables = lowerCase(p.Verify.KeyTables)
	}
	if c.Into != "" {
		chooser{p}.intoSchema(c.Into)
	} else {
		chooser{p}.chooseMode(c.Mode, set.Mode, a)
	}
	p.Without = accepted(a.Uncreatable, p)
	chooser{p}.chooseTables(a)
	if p.Mode != Into {
		p.Emergency = set.EmergencyDir + "/" + EmergencyName(live, now) + set.EmergencyExt
	}
	if p.Mode == Swap {
		p.Shadow, p.Kept = SideSchema(live, "new", id), SideSchema(live, "old", id)
	}
	chooser{p}.useStandby()
	p.SaveLater = p.savesLater()
	p.Findings = append(p.Findings, a.Findings...)
	chooser{p}.missing(a)
	j := judge{Plan: p, unsaved: c.Unsaved}
	j.all(a)
	j.judgeReplay(a)
	j.judgeLogged(a)
	p.Facts = factFinder{p}.all(a)
	p.Steps = steps(p)
	p.Hash, p.Seal = p.hash(), p.seal()
	return p
}

// chooser decides what a choice leaves open: the mode, the tables, the standby.
type chooser struct{ *Plan }

// missing records the backup's tables that do not exist now: rows written to them after
// the backup are already lost, and cannot be counted.
func (p chooser) missing(a *Assessment) {
	if p.Mode == Into || a.Loss.Logged != nil {
		return
	}
	a.Loss.Missing = append(a.Loss.Missing, p.Source.gone(p.Tables, a)...)
}

// Gone are the backup's tables, of those that were chosen, that do not exist now.
func (s Source) Gone(c Choice, a *Assessment) []string { return s.gone(c.Tables, a) }

func (s Source) gone(only []string, a *Assessment) (out []string) {
	tables, _ := s.Held()
	for _, t := range tables {
		there := slices.ContainsFunc(a.Tables, func(x TableState) bool { return x.Name == t.Name && x.Exists })
		chosen := len(only) == 0 || slices.Contains(only, t.Name)
		if !there && chosen && t.Engine != "SEQUENCE" && !slices.Contains(a.Loss.Missing, t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}

func (p chooser) intoSchema(schema string) {
	p.Mode, p.Target.Database = Into, schema
	p.Process = Process{Kind: "none"}
	p.Ready = Ready{}
	p.Notify = nil
	p.Verify.SmokeTest = nil
}

func (p chooser) chooseMode(asked, configured Mode, a *Assessment) {
	p.Mode = asked
	if asked == "" {
		p.Mode = configured
	}
	if p.Mode == "" {
		p.Mode = Swap
	}
	if p.Mode != Swap || a.SwapRefused.Empty() {
		return
	}
	if asked == Swap {
		p.block(lang.M("swap cannot be done here: %s", a.SwapRefused), lang.M("choose the mode in-place"))
		return
	}
	p.Mode = InPlace
	p.Findings = append(
		p.Findings,
		Finding{State: ops.StateWarning, What: N(lang.M("swap cannot be done here: %s", a.SwapRefused)),
			Hint: N(lang.M("restoring in place instead; undo uses the emergency backup"))},
	)
}

// chooseTables determines which live tables are replaced, and by which tables.
func (p chooser) chooseTables(a *Assessment) {
	inScope := func(name string) bool { return len(p.Tables) == 0 || slices.Contains(p.Tables, name) }
	coming := p.Source.Tables
	if p.Source.Replay != nil {
		coming = p.Source.Replay.tables(coming)
	}
	for _, t := range coming {
		if inScope(t.Name) && !p.leavesOutTable(t.Name) {
			p.Coming = append(p.Coming, t.Name)
		}
	}
	for _, t := range a.Tables {
		if p.Mode == Into || !t.Exists || !inScope(t.Name) {
			continue
		}
		p.Leaving = append(p.Leaving, t.Name)
		if p.Mode == Swap && t.Rows < 0 {
			p.Unreadable = append(p.Unreadable, t.Name)
		}
		_, in := p.Source.held(t.Name)
		if in = in && !p.leavesOutTable(t.Name); !in && p.Source.contentKnown() {
			p.Vanishing = append(p.Vanishing, t.Name)
		}
	}
	slices.Sort(p.Coming)
	slices.Sort(p.Leaving)
}

// Blocked reports whether a finding blocks the plan.
func (p *Plan) Blocked() bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Blocks })
}

// SideSchema is the name of a database next to the live one: at most 64 characters, with
// the run's id, so that no two runs collide.
func SideSchema(live, role, id string) string {
	tail := "__" + role + "_" + strings.ReplaceAll(id, "-", "_")
	runes := []rune(live)
	return string(runes[:min(len(runes), 64-len(tail))]) + tail
}

// EmergencyName is the base name of the backup of the state before a restore.
func EmergencyName(database string, at time.Time) string {
	return backup.EmergencyName(database, at)
}

// NewID is the id of a run: its time, for sorting, and four digits to distinguish runs of
// the same second.
func NewID(now time.Time, random uint16) string {
	return fmt.Sprintf("%s-%04x", now.UTC().Format("20060102-150405"), random)
}

// hash covers everything that determines what will be done, except the id, names derived
// from it, and numbers that change while people read.
func (p *Plan) hash() string {
	type decided struct {
		Version                            int
		Service                            string
		Target                             Target
		Name, Path, SHA256                 string
		Size                               int64
		At                                 time.Time
		Mode                               Mode
		Tables, Leaving, Coming, Vanishing []string
		Unreadable                         []string `json:",omitempty"`
		Gaps                               []Gap    `json:",omitempty"`
		Accepted                           []string `json:",omitempty"`
		Process                            Process
		Ready                              Ready
		Verify                             Checks
		Notify                             []string
		LockWait                           Span
		Asked                              *binlog.Moment `json:",omitempty"`
		ReplayTo                           *binlog.Place  `json:",omitempty"`
		Standby                            string         `json:",omitempty"`
		SaveLater                          bool           `json:",omitempty"`
	}
	var asked *binlog.Moment
	var to *binlog.Place
	standby := ""
	if r := p.Source.Replay; r != nil {
		asked = &r.Asked
		to = &r.To
	}
	if s := p.Standby(); s != nil {
		standby = s.Schema
	}
	text, err := json.Marshal(
		decided{p.FormatVersion, p.Service, p.Target, p.Source.Name, p.Source.Path, p.Source.SHA256,
			p.Source.SizeBytes, p.Source.At.UTC(), p.Mode, p.Tables, p.Leaving, p.Coming, p.Vanishing, p.Unreadable,
			p.gapsDecided(), p.Accepted, p.Process, p.Ready, p.Verify, p.Notify, p.LockWait, asked, to, standby,
			p.SaveLater},
	)
	if err != nil {
		panic("a plan cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// seal covers what the hash leaves out. It is computed from the stored texts, not from
// newly generated ones, so that a later version with other wording still accepts the plan.
func (p *Plan) seal() string {
	text, err := json.Marshal([]any{p.ID, p.Shadow, p.Kept, p.Emergency, p.Source.Database, p.Steps})
	if err != nil {
		panic("a plan cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Intact reports whether the plan is the one that was shown, with its names and
// statements.
func (p *Plan) Intact() bool { return p.hash() == p.Hash && p.seal() == p.Seal }
