package restore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// Assessment is what step 1 found out about the target and the backup. Each
// part may be missing; what could not be found out is said in Findings.
type Assessment struct {
	At          time.Time    `json:"at"`
	Server      ServerState  `json:"server"`
	SchemaThere bool         `json:"schema_exists"`
	Tables      []TableState `json:"tables"`
	Views       int          `json:"views"`
	Routines    int          `json:"routines"`
	Triggers    int          `json:"triggers"`
	Events      int          `json:"events"`
	// TriggerNames are those of the live tables in scope.
	TriggerNames []string  `json:"trigger_names,omitempty"`
	Sessions     []Session `json:"sessions"`
	Disk         Disk      `json:"disk"`
	SwapRefused  Note      `json:"swap_refused,omitzero"` // why swap cannot be done here; empty when it can
	Missing      []string  `json:"rights_missing,omitempty"`
	Definers     []string  `json:"definers_missing,omitempty"`
	Loss         Loss      `json:"loss"`
	Outside      []string  `json:"outside_keys,omitempty"` // foreign keys of other schemas into this one
	Closure      []string  `json:"closure,omitempty"`      // the chosen tables with all that their keys need
	Drill        *Drill    `json:"drill,omitempty"`
	Findings     []Finding `json:"findings"`
}

// ServerState is the target's server.
type ServerState struct {
	Address    string `json:"address"` // host:port or the socket
	Flavour    string `json:"flavour"`
	Version    string `json:"version"`
	Identity   string `json:"identity"` // server UUID, or host, port and data folder
	User       string `json:"user"`
	ReadOnly   bool   `json:"read_only"`
	Replicates string `json:"replicates,omitempty"` // what is known of replication
	Replicas   int    `json:"replicas"`
	BinaryLog  bool   `json:"binary_log"`
	Position   string `json:"position,omitempty"`
}

// TableState compares a live table with the backup's.
type TableState struct {
	Name       string `json:"name"`
	Exists     bool   `json:"exists"`
	InBackup   bool   `json:"in_backup"`
	Engine     string `json:"engine,omitempty"`
	Rows       int64  `json:"rows"`        // -1 when it cannot be counted
	Estimate   bool   `json:"estimate"`    // Rows is the server's guess
	BackupRows int64  `json:"backup_rows"` // -1 when the manifest does not say
	Bytes      int64  `json:"bytes"`
	Versioned  bool   `json:"versioned,omitempty"`   // MariaDB's system versioning: Rows counts all versions
	Deadly     bool   `json:"ends_server,omitempty"` // the server ended when it was read: it is not read again
	// Evidence is what the server's error log said then.
	Evidence []string `json:"evidence,omitempty"`
	Check    string   `json:"check"` // CHECK TABLE's word: OK, or what is wrong; empty: not checked
}

// Broken tells that the table is missing, cannot be read, or fails its check.
func (t TableState) Broken() bool {
	return t.InBackup && !t.Exists || t.Exists && (t.Rows < 0 || t.Check != "" && t.Check != "OK")
}

// Session is a connection to the target's schema that is not ours.
type Session struct {
	ID          uint64        `json:"id"`
	User        string        `json:"user"`
	Host        string        `json:"host"`
	Database    string        `json:"database,omitempty"`
	Command     string        `json:"command"`
	For         time.Duration `json:"for_ns"`
	Statement   string        `json:"statement,omitempty"`
	Transaction bool          `json:"transaction"` // it has one open
}

// String names the session as a person would.
func (s Session) String() string {
	return fmt.Sprintf("%d %s@%s %s", s.ID, s.User, s.Host, s.Command)
}

// Disk is the room on the server's disk. Known is false when the data folder is
// not on this machine.
type Disk struct {
	Known     bool   `json:"known"`
	Folder    string `json:"folder,omitempty"`
	Free      int64  `json:"free_bytes"`
	NeedSwap  int64  `json:"need_swap_bytes"`  // estimate: the shadow beside the live tables
	NeedPlace int64  `json:"need_place_bytes"` // estimate: in place
	SaveFree  int64  `json:"save_free_bytes"`  // where the emergency backup goes; -1 unknown
	NeedSave  int64  `json:"need_save_bytes"`
	NeedFetch int64  `json:"need_fetch_bytes,omitempty"` // there too: the backup, when it comes from a copy
}

// Drill is the newest drill of the chosen backup, or the newest of any.
type Drill struct {
	At       time.Time     `json:"at"`
	Backup   string        `json:"backup"`
	Result   string        `json:"result"`
	Duration time.Duration `json:"duration_ns"`
	Bytes    int64         `json:"bytes"`
}

// Finding is one thing that a person should know before going on.
type Finding struct {
	State  ops.State `json:"state"`
	What   Note      `json:"what"`
	Hint   Note      `json:"hint,omitzero"`
	Blocks bool      `json:"blocks,omitempty"` // the plan cannot run so
}

// Loss is what will be lost: rows that the backup does not have so, and tables that
// would vanish. Nothing is lost only when Sure says so.
type Loss struct {
	Since     time.Time   `json:"since"` // the backup's moment
	Tables    []LossTable `json:"tables"`
	Users     []string    `json:"users,omitempty"`     // who acted since, by the audit rows
	Resources []string    `json:"resources,omitempty"` // what they touched
	Unknown   []string    `json:"unknown,omitempty"`   // tables that could not be judged
	Unseen    []string    `json:"unseen,omitempty"`    // tables whose rows do not tell that they were changed
	Missing   []string    `json:"missing,omitempty"`   // tables of the backup that are not there now: nobody knows what they held since
	// Objects are the views, routines, triggers and events that the restore drops or replaces.
	Objects  []LossObject `json:"objects,omitempty"`
	Unlisted bool         `json:"objects_unlisted,omitempty"` // the server did not tell which there are
	// ByLog tells that the binary log was asked, not the backup's rows. Unlogged are its later
	// transactions that do not tell which rows they changed; LogEnd is where it ends, where
	// the server goes on writing after that.
	ByLog    bool   `json:"by_log,omitempty"`
	Unlogged int    `json:"unlogged,omitempty"`
	LogEnd   string `json:"log_end,omitempty"`
}

// LossTable is the loss in one table.
type LossTable struct {
	Table    string `json:"table"`
	Newer    int64  `json:"newer"`
	Changed  int64  `json:"changed,omitempty"` // older rows that were changed since
	Deleted  int64  `json:"deleted,omitempty"` // rows that were deleted since; the log alone tells
	Estimate bool   `json:"estimate"`
	How      string `json:"how"` // "rows": compared row by row; by age: "created_at", "updated_at", "auto_increment", "count"
	Vanishes bool   `json:"vanishes,omitempty"`
	Blind    bool   `json:"-"` // rows that were changed cannot be told
}

// Sure tells that every table was compared with the backup, whole, or that the log tells
// of every change.
func (l Loss) Sure() bool {
	return len(l.Unknown)+len(l.Unseen)+len(l.Missing)+l.Unlogged == 0 && l.LogEnd == "" && !l.Estimated()
}

// Nothing tells that nothing will be lost, for sure.
func (l Loss) Nothing() bool { return len(l.Tables)+len(l.Objects) == 0 && !l.Unlisted && l.Sure() }

// Doubts are what is to be said besides the tables: what could not be known, or that
// nothing is lost, when that is sure.
func (l Loss) Doubts() (out []lang.Msg) {
	if l.Unlogged > 0 {
		out = append(out, lang.M("the binlog does not show which rows later transactions changed; there are %d "+
			"such transactions", l.Unlogged))
	}
	if l.LogEnd != "" {
		out = append(out, lang.M("changes after the end of the available binlog are unknown: %s", l.LogEnd))
	}
	if len(l.Unknown) > 0 {
		out = append(
			out,
			lang.M(
				"could not be compared with the backup, newer rows may be lost: %s",
				termsafe.Line(strings.Join(l.Unknown, ", ")),
			),
		)
	}
	if len(l.Unseen) > 0 {
		out = append(
			out,
			lang.M("not all changed rows can be detected in: %s", termsafe.Line(strings.Join(l.Unseen, ", "))),
		)
	}
	if len(l.Missing) > 0 {
		out = append(
			out,
			lang.M(
				"missing now, so writes after the backup are unknown: %s",
				termsafe.Line(strings.Join(l.Missing, ", ")),
			),
		)
	}
	out = append(out, l.ObjectWords()...)
	switch {
	case l.Nothing() && l.ByLog:
		out = append(out, lang.M("nothing will be lost: the binlog has no later changes"))
	case l.Nothing():
		out = append(out, lang.M("nothing will be lost: every table was compared with the backup"))
	}
	return out
}

// See takes in what was found in a table.
func (l *Loss) See(t LossTable) {
	if t.Newer > 0 || t.Changed > 0 || t.Deleted > 0 || t.Vanishes {
		l.Tables = append(l.Tables, t)
	}
	if t.Blind {
		l.Unseen = append(l.Unseen, t.Table)
	}
}

// About is what more there is to say of the loss in a table.
func (t LossTable) About(l *lang.Printer) (words []string) {
	if t.Changed > 0 {
		words = append(words, l.T("%s changed rows", human.Count(t.Changed)))
	}
	if t.Deleted > 0 {
		words = append(words, l.T("%s deletions", human.Count(t.Deleted)))
	}
	if t.Estimate {
		words = append(words, l.T("estimate"))
	}
	if t.Vanishes {
		words = append(words, l.T("the table will be dropped"))
	}
	return words
}

// Sum says how many rows will be lost, over the tables; empty for none. It is the one
// sum that plan, confirmation and command print.
func (l Loss) Sum() (sum lang.Msg) {
	for _, part := range []struct {
		n     int64
		words lang.Msg
	}{
		{l.Rows(), lang.M("%s newer rows", human.Count(l.Rows()))},
		{l.Changed(), lang.M("%s changed rows", human.Count(l.Changed()))},
		{l.Deleted(), lang.M("%s deletions", human.Count(l.Deleted()))},
	} {
		switch {
		case part.n == 0:
		case sum.Empty():
			sum = part.words
		default:
			sum = lang.M("%s, %s", sum, part.words)
		}
	}
	if l.Estimated() && !sum.Empty() {
		return lang.M("about %s", sum)
	}
	return sum
}

// Changed is the sum of the rows that were changed, over the tables.
func (l Loss) Changed() (n int64) {
	for _, t := range l.Tables {
		n += t.Changed
	}
	return n
}

// Deleted is the sum of the deleted rows, over the tables.
func (l Loss) Deleted() (n int64) {
	for _, t := range l.Tables {
		n += t.Deleted
	}
	return n
}

// Estimated tells whether any of the numbers is an estimate.
func (l Loss) Estimated() bool {
	return slices.ContainsFunc(l.Tables, func(t LossTable) bool { return t.Estimate })
}

// Rows is the sum over the tables.
func (l Loss) Rows() (n int64) {
	for _, t := range l.Tables {
		n += t.Newer
	}
	return n
}
