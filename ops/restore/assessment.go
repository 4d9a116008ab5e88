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

// Assessment is the result of step 1 for the target and the backup. Each part may be
// missing; what could not be determined is in Findings.
type Assessment struct {
	Armed       []Armed      `json:"armed,omitempty"` // events of the live database that run within the hour
	At          time.Time    `json:"at"`
	Server      ServerState  `json:"server"`
	SchemaThere bool         `json:"schema_exists"`
	Tables      []TableState `json:"tables"`
	Views       int          `json:"views"`
	Routines    int          `json:"routines"`
	Triggers    int          `json:"triggers"`
	Events      int          `json:"events"`
	// TriggerNames are the triggers of the live tables in scope.
	TriggerNames []string  `json:"trigger_names,omitempty"`
	Sessions     []Session `json:"sessions"`
	// SessionsHidden is true where the server's user may not see the sessions of others.
	SessionsHidden bool     `json:"sessions_hidden,omitempty"`
	Disk           Disk     `json:"disk"`
	SwapRefused    Note     `json:"swap_refused,omitzero"` // why swap is impossible; empty if it is possible
	Missing        []string `json:"rights_missing,omitempty"`
	Definers       []string `json:"definers_missing,omitempty"`
	Loss           Loss     `json:"loss"`
	Outside        []string `json:"outside_keys,omitempty"` // foreign keys of other databases into this one
	// OutsideHidden is true where the server's user may not see all of those.
	OutsideHidden bool      `json:"outside_keys_hidden,omitempty"`
	Beyond        []string  `json:"beyond_keys,omitempty"` // foreign keys of this database into others
	Closure       []string  `json:"closure,omitempty"`     // the selected tables and those their keys need
	Drill         *Drill    `json:"drill,omitempty"`
	Findings      []Finding `json:"findings"`
	// Frozen is true where another session let nobody create anything: nothing was tried.
	Frozen bool `json:"definitions_locked,omitempty"`
	// EventsOff are disabled now and enabled in the backup.
	EventsOff []string `json:"events_off,omitempty"`
	// Uncreatable are the objects of the backup that the server refuses to create;
	// Substituted the tables that it creates with another engine.
	Uncreatable []Uncreatable `json:"uncreatable,omitempty"`
	Substituted []Substituted `json:"substituted,omitempty"`
	// Warm is the standby that a restore of the backup alone does not use; nil if none is kept.
	Warm *Warm `json:"standby,omitempty"`
}

// ServerState describes the target's server.
type ServerState struct {
	Address    string `json:"address"` // host:port or the socket
	Flavour    string `json:"flavour"`
	Version    string `json:"version"`
	Identity   string `json:"identity"` // server UUID, or host, port and data folder
	User       string `json:"user"`
	ReadOnly   bool   `json:"read_only"`
	Replicates string `json:"replicates,omitempty"` // known replication
	Replicas   int    `json:"replicas"`
	Unseen     bool   `json:"replication_unseen,omitempty"` // whether it is a replica is not visible
	BinaryLog  bool   `json:"binary_log"`
	Position   string `json:"position,omitempty"`
	FoldsNames bool   `json:"folds_names,omitempty"` // names of databases and tables are in lower case
}

// TableState compares a live table with the backup's.
type TableState struct {
	Name       string `json:"name"`
	Exists     bool   `json:"exists"`
	InBackup   bool   `json:"in_backup"`
	Engine     string `json:"engine,omitempty"`
	Rows       int64  `json:"rows"`        // -1 if it cannot be counted
	Estimate   bool   `json:"estimate"`    // Rows is the server's estimate
	BackupRows int64  `json:"backup_rows"` // -1 if the manifest does not tell
	Bytes      int64  `json:"bytes"`
	Versioned  bool   `json:"versioned,omitempty"`   // MariaDB system versioning: Rows counts all versions
	Deadly     bool   `json:"ends_server,omitempty"` // reading it ended the server: it is not read again
	// Evidence is what the server's error log said then.
	Evidence []string `json:"evidence,omitempty"`
	Check    string   `json:"check"` // result of CHECK TABLE: OK or the problem; empty: not checked
}

// Broken reports that the table is missing, unreadable, or fails its check.
func (t TableState) Broken() bool {
	return t.InBackup && !t.Exists || t.Exists && (t.Rows < 0 || t.Check != "" && t.Check != "OK")
}

// Session is a connection to the target's database that is not ours.
type Session struct {
	ID          uint64        `json:"id"`
	User        string        `json:"user"`
	Host        string        `json:"host"`
	Database    string        `json:"database,omitempty"`
	Command     string        `json:"command"`
	For         time.Duration `json:"for_ns"`
	Statement   string        `json:"statement,omitempty"`
	Transaction bool          `json:"transaction"` // it has an open transaction
}

// String describes the session for people.
func (s Session) String() string {
	return fmt.Sprintf("%d %s@%s %s", s.ID, s.User, s.Host, s.Command)
}

// Disk is the space on the server's disk. Known is false if the data folder is not on this
// machine.
type Disk struct {
	Known     bool   `json:"known"`
	Folder    string `json:"folder,omitempty"`
	Free      int64  `json:"free_bytes"`
	NeedSwap  int64  `json:"need_swap_bytes"`  // estimate: the shadow next to the live tables
	NeedPlace int64  `json:"need_place_bytes"` // estimate: in place
	SaveFree  int64  `json:"save_free_bytes"`  // for the emergency backup; -1 if unknown
	// SaveFolder is where the emergency backup is written; "" in plans of earlier versions.
	SaveFolder string `json:"save_folder,omitempty"`
	NeedSave   int64  `json:"need_save_bytes"`
	NeedFetch  int64  `json:"need_fetch_bytes,omitempty"` // also there: the backup, if it comes from a copy

	// estimate: what the load writes to the binary log, if it has one
	NeedLog int64    `json:"need_binlog_bytes,omitempty"`
	Log     *LogDisk `json:"binlog,omitempty"` // nil: the binary log is on the disk of the data
}

// LogDisk is the disk of the server's binary log, if it is not that of the data.
type LogDisk struct {
	Known  bool   `json:"known"`
	Folder string `json:"folder"`
	Free   int64  `json:"free_bytes"`
}

// Drill is the newest drill of the chosen backup, or the newest of any.
type Drill struct {
	At       time.Time     `json:"at"`
	Backup   string        `json:"backup"`
	Result   string        `json:"result"`
	Duration time.Duration `json:"duration_ns"`
	Bytes    int64         `json:"bytes"`
}

// Finding is one fact that a person should know before continuing.
type Finding struct {
	State  ops.State `json:"state"`
	What   Note      `json:"what"`
	Hint   Note      `json:"hint,omitzero"`
	Blocks bool      `json:"blocks,omitempty"` // the plan cannot run
}

// Loss is what will be lost: rows that are not in the backup or differ from it, and tables
// that would be dropped. Only Sure tells that the list is complete.
type Loss struct {
	Since     time.Time   `json:"since"` // the time of the backup
	CountedAt time.Time   `json:"counted_at,omitzero"`
	Tables    []LossTable `json:"tables"`
	Users     []string    `json:"users,omitempty"`     // who acted since, from the audit rows
	Resources []string    `json:"resources,omitempty"` // what they touched
	Unknown   []string    `json:"unknown,omitempty"`   // tables that could not be checked
	Unseen    []string    `json:"unseen,omitempty"`    // tables whose changed rows cannot be detected
	Missing   []string    `json:"missing,omitempty"`   // backup tables that do not exist now: later rows are unknown
	// Logged is what the binlog tells of the missing tables; they are then not in Missing.
	Logged *Logged `json:"logged,omitempty"`
	// Objects are the views, routines, triggers and events that the restore drops or replaces.
	Objects  []LossObject `json:"objects,omitempty"`
	Unlisted bool         `json:"objects_unlisted,omitempty"` // the server did not list them
	// Later are definitions that others made since the restore, as "view x": an undo saves them.
	Later []string `json:"later_definitions,omitempty"`
	// ByLog tells that the binlog was used, not the backup's rows. Unlogged counts its later
	// transactions that do not show which rows they changed; LogEnd is its end, if the server
	// continues to write after it.
	ByLog    bool   `json:"by_log,omitempty"`
	Unlogged int    `json:"unlogged,omitempty"`
	LogEnd   string `json:"log_end,omitempty"`
}

// LossTable is the loss in one table.
type LossTable struct {
	Table    string `json:"table"`
	Newer    int64  `json:"newer"`
	Changed  int64  `json:"changed,omitempty"` // older rows changed since
	Deleted  int64  `json:"deleted,omitempty"` // rows deleted since a restore
	Estimate bool   `json:"estimate"`
	// "rows": compared row by row; by age: "created_at", "updated_at", "auto_increment",
	// "count"
	How      string `json:"how"`
	Vanishes bool   `json:"vanishes,omitempty"`
	Blind    bool   `json:"-"` // changed rows cannot be detected
}

// Sure reports that every table was compared completely with the backup, or that the log
// shows every change.
func (l Loss) Sure() bool {
	known := len(l.Unknown)+len(l.Unseen)+len(l.Missing)+l.Unlogged == 0 && l.Logged == nil
	return known && l.LogEnd == "" && !l.Estimated()
}

// Nothing reports that certainly nothing will be lost.
func (l Loss) Nothing() bool {
	return len(l.Tables)+len(l.Objects)+len(l.Later) == 0 && !l.Unlisted && l.Sure()
}

// Doubts are the statements besides the tables: what could not be determined, or that
// certainly nothing is lost.
func (l Loss) Doubts() []lang.Msg {
	out := l.Unsure()
	switch {
	case l.Nothing() && l.ByLog:
		out = append(out, lang.M("nothing will be lost: the binlog has no later changes"))
	case l.Nothing():
		out = append(out, lang.M("nothing will be lost: every table was compared with the backup"))
	}
	return out
}

// Unsure are the statements besides the tables of a loss that is not certainly nothing.
func (l Loss) Unsure() (out []lang.Msg) {
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
	if l.Logged != nil {
		out = append(out, l.Logged.text())
	}
	out = append(out, l.ObjectWords()...)
	if len(l.Later) > 0 {
		out = append(out, lang.M("defined since the restore; saved to a file, then dropped: %s",
			strings.Join(l.Later, ", ")))
	}
	return out
}

// See records the result for a table.
func (l *Loss) See(t LossTable) {
	if t.Newer > 0 || t.Changed > 0 || t.Deleted > 0 || t.Vanishes {
		l.Tables = append(l.Tables, t)
	}
	if t.Blind {
		l.Unseen = append(l.Unseen, t.Table)
	}
}

// About are the additional statements on the loss in a table.
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

// Sum is the total number of rows that will be lost; empty for none. Plan, confirmation
// and command all print this sum.
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

// Changed is the number of changed rows in all tables.
func (l Loss) Changed() (n int64) {
	for _, t := range l.Tables {
		n += t.Changed
	}
	return n
}

// Deleted is the number of deleted rows in all tables.
func (l Loss) Deleted() (n int64) {
	for _, t := range l.Tables {
		n += t.Deleted
	}
	return n
}

// Estimated reports whether any of the numbers is an estimate.
func (l Loss) Estimated() bool {
	return slices.ContainsFunc(l.Tables, func(t LossTable) bool { return t.Estimate })
}

// Rows is the number of rows in all tables.
func (l Loss) Rows() (n int64) {
	for _, t := range l.Tables {
		n += t.Newer
	}
	return n
}

// Armed is an enabled event of the live database: it writes although the service is stopped.
type Armed struct {
	Event   string `json:"event"`
	When    string `json:"when"`
	Disable string `json:"disable"` // the statement that disables it
}
