package backup

import "time"

// LoadReport is the result of a load. Its texts are English, for records; programs use
// Kind.
type LoadReport struct {
	Schema     string        `json:"schema"`
	From       string        `json:"from"` // the database of the backup that was loaded
	Native     bool          `json:"native"`
	Resumed    bool          `json:"resumed"`
	Tables     []LoadedTable `json:"tables"`
	Objects    int           `json:"objects"`    // views, routines, triggers, events that were created
	Statements int64         `json:"statements"` // of a foreign dump: those that were run
	Rows       int64         `json:"rows"`
	RawBytes   int64         `json:"raw_bytes"` // of SQL text read
	Notes      []LoadNote    `json:"notes,omitempty"`
	Duration   time.Duration `json:"-"`
	DurationMS int64         `json:"duration_ms"`
}

// LoadedTable is one table of a load.
type LoadedTable struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// How is the way its rows were loaded: "load-data", "insert", or "" when it had
	// none.
	How string `json:"how,omitempty"`
}

// Kinds of LoadNote.
const (
	NoteSkipped = "skipped"  // a statement that a load does not run: GTID_PURGED, LOCK TABLES of others
	NoteLeftOut = "left out" // accounts, privileges, plugins and servers: they do not belong to one schema
	NoteDefiner = "definer"  // an account that does not exist on the target
	NoteRefers  = "refers"   // a foreign key to a table of another schema
	NoteOutside = "outside"  // a body that refers to another schema
	NoteOldName = "oldname"  // a string in a body that contains the old schema's name
	NoteEvent   = "event"    // an event that was created DISABLED
	NoteUnread  = "unread"   // an object that opsdeck does not understand or allow
	NoteWarning = "warning"  // the server's warnings about rows
)

// LoadNote is a remark about a load for a person.
type LoadNote struct {
	Kind   string `json:"kind"`
	Object string `json:"object,omitempty"`
	Detail string `json:"detail"`
}

// VerifyReport compares a schema with a backup's manifest.
type VerifyReport struct {
	Schema     string          `json:"schema"`
	Good       bool            `json:"good"` // everything that the manifest states is true
	Tables     []TableVerdict  `json:"tables"`
	Objects    []ObjectVerdict `json:"objects,omitempty"`
	Rows       int64           `json:"rows"`
	DurationMS int64           `json:"duration_ms"`
}

// States of a TableVerdict and an ObjectVerdict.
const (
	Same      = "same"
	Differs   = "differs"
	Missing   = "missing"
	Extra     = "extra"     // in the schema, not in the backup
	Unchecked = "unchecked" // the manifest does not state enough
)

// TableVerdict compares one table.
type TableVerdict struct {
	Name         string `json:"name"`
	State        string `json:"state"`
	Rows         int64  `json:"rows"`
	WantRows     int64  `json:"want_rows"`
	Checksum     string `json:"checksum,omitempty"`
	WantChecksum string `json:"want_checksum,omitempty"`
	Definition   string `json:"definition"` // same, differs or unchecked
	Detail       string `json:"detail,omitempty"`
}

// OnlyDefinition reports whether the rows are as the manifest says, and only the definition is
// not.
func (v TableVerdict) OnlyDefinition() bool {
	return v.Definition == Differs && v.Rows == v.WantRows && (v.Checksum == v.WantChecksum || v.WantChecksum == "")
}

// ObjectVerdict compares one view, routine, trigger, event or sequence.
type ObjectVerdict struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// DumpContents is the result of inspecting a foreign dump.
type DumpContents struct {
	Tool       string        `json:"tool,omitempty"`     // "mysqldump", "mariadb-dump", "phpMyAdmin", …
	Database   string        `json:"database,omitempty"` // from its header
	Schemas    []DumpSchema  `json:"schemas"`            // in order of appearance; "" is the part before any USE
	Complete   bool          `json:"complete"`           // the trailer is there
	Completed  time.Time     `json:"completed,omitzero"` // from the trailer, in the dumping host's zone
	RawBytes   int64         `json:"raw_bytes"`
	Statements int64         `json:"statements"`
	Definers   []string      `json:"definers,omitempty"`
	Drops      []string      `json:"drops,omitempty"`   // databases that it drops
	Outside    []string      `json:"outside,omitempty"` // statements beyond any schema: GRANT, SET GLOBAL …
	Elapsed    time.Duration `json:"-"`
	// Definitions are the statements other than plain rows, for a rehearsal. Unkept tells
	// that they were too many.
	Definitions []DumpStatement `json:"definitions,omitempty"`
	Unkept      bool            `json:"unkept,omitempty"`
}

// DumpStatement is a statement of a foreign dump, in the dump's bytes.
type DumpStatement struct {
	Line int    `json:"line"`
	SQL  []byte `json:"sql"`
}

// DumpSchema is one schema of a foreign dump.
type DumpSchema struct {
	Name    string      `json:"name"`
	Tables  []DumpTable `json:"tables"`
	Objects []Object    `json:"objects,omitempty"`
}

// DumpTable is one table of a foreign dump. Rows counts the rows of its INSERTs.
type DumpTable struct {
	Name    string `json:"name"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
	Inexact bool   `json:"inexact,omitempty"` // its statements can leave another number of rows than Rows
}
