package restore

import (
	"time"

	"opsdeck/internal/lang"
)

// Kind is what happened.
type Kind string

// What effects report.
const (
	KindDone   Kind = "done"   // the effect is in place
	KindFailed Kind = "failed" // it is not; Notes say why and what was not changed
	KindFound  Kind = "found"  // it needs a decision first
)

// What people and programs ask for.
const (
	KindBegin  Kind = "begin"
	KindResume Kind = "resume" // a new worker took over
	KindAbort  Kind = "abort"
	KindUndo   Kind = "undo"
	KindDrop   Kind = "drop-old"
	KindRetry  Kind = "retry"
	KindSkip   Kind = "skip"   // the tables that cannot be read; or the whole emergency backup, typed
	KindKill   Kind = "kill"   // the sessions left
	KindGoOn   Kind = "go-on"  // in spite of what was found
	KindKeep   Kind = "keep"   // the restored data, though the service is not ready
	KindSend   Kind = "send"   // the notification as shown
	KindSilent Kind = "silent" // no notification
	KindLeave  Kind = "leave"  // what could not be put right
)

// AllKinds in the order of the table of the tests.
var AllKinds = []Kind{KindBegin, KindDone, KindFailed, KindFound, KindResume, KindAbort, KindUndo, KindDrop,
	KindRetry, KindSkip, KindKill, KindGoOn, KindKeep, KindSend, KindSilent, KindLeave}

// Label is a request's name for people. What an answer to a question does depends
// on the question: see Snapshot.Label.
func (k Kind) Label() lang.Msg {
	switch k {
	case KindAbort:
		return lang.M("abort")
	case KindUndo:
		return lang.M("undo")
	case KindDrop:
		return lang.M("drop the old tables")
	case KindRetry:
		return lang.M("try again")
	case KindKill:
		return lang.M("end these sessions")
	case KindKeep:
		return lang.M("keep the restored data")
	case KindSend:
		return lang.M("send it")
	case KindSilent:
		return lang.M("do not notify")
	case KindResume:
		return lang.M("resume")
	}
	return lang.Raw(string(k))
}

// Event is one thing that happened, as the journal holds it.
type Event struct {
	Kind  Kind      `json:"kind"`
	Time  time.Time `json:"time"`
	By    string    `json:"by,omitempty"`    // the person, for what people ask for
	PID   int       `json:"pid,omitempty"`   // of the worker
	Typed string    `json:"typed,omitempty"` // what was typed to confirm
	Notes []Note    `json:"notes,omitempty"` // the evidence, or what went wrong
	Data  *Data     `json:"data,omitempty"`
	Busy  bool      `json:"busy,omitempty"` // of a failure: it may go away by itself, as a server that is starting
}

// Data is what later steps and the report need of an effect's outcome. Each
// field replaces the one known so far when it is not zero.
type Data struct {
	Stopped    bool        `json:"stopped,omitempty"` // the service ran and was stopped by us
	Emergency  string      `json:"emergency,omitempty"`
	Unreadable []string    `json:"unreadable,omitempty"` // tables, when KindFound by save
	Sessions   []Session   `json:"sessions,omitempty"`   // when KindFound by quiet
	Started    bool        `json:"started,omitempty"`    // the load began to change things
	Rows       int64       `json:"rows,omitempty"`
	Tables     int         `json:"tables,omitempty"`
	Bytes      int64       `json:"bytes,omitempty"`
	TableRows  []TableRows `json:"table_rows,omitempty"`
	Exports    []string    `json:"exports,omitempty"`
	Lost       *Loss       `json:"lost,omitempty"`
	Report     string      `json:"report,omitempty"`
	Text       string      `json:"text,omitempty"` // the notification, as it would be sent
	Told       []string    `json:"told,omitempty"` // targets that took the notification
	SwapMS     float64     `json:"swap_ms,omitempty"`
	Doubts     []Note      `json:"doubts,omitempty"`    // what verification did not like
	Unstarted  bool        `json:"unstarted,omitempty"` // the service was left down: its database is not whole
	Now        *Present    `json:"now,omitempty"`       // a fresh look at the database, for the report
}

// TableRows is one table's verdict of the verification.
type TableRows struct {
	Table    string `json:"table"`
	Rows     int64  `json:"rows"`
	Want     int64  `json:"want"` // -1 when the backup does not say
	Checksum string `json:"checksum"`
	State    string `json:"state"` // ok, differs, missing, uncounted
}
