package restore

import (
	"time"

	"opsdeck/internal/lang"
)

// Kind is the type of an event.
type Kind string

// Results of effects.
const (
	KindDone   Kind = "done"   // the effect is complete
	KindFailed Kind = "failed" // it failed; Notes tell why and what was not changed
	KindFound  Kind = "found"  // it needs a decision first
)

// Requests of people and programs.
const (
	KindBegin  Kind = "begin"
	KindResume Kind = "resume" // a new worker took over
	KindAbort  Kind = "abort"
	KindUndo   Kind = "undo"
	KindDrop   Kind = "drop-old"
	KindRetry  Kind = "retry"
	KindSkip   Kind = "skip"   // the unreadable tables; or, typed, the whole emergency backup
	KindKill   Kind = "kill"   // the sessions left
	KindGoOn   Kind = "go-on"  // despite the findings
	KindKeep   Kind = "keep"   // keep the restored data, though the service is not ready
	KindSend   Kind = "send"   // the notification as shown
	KindSilent Kind = "silent" // no notification
	KindLeave  Kind = "leave"  // leave what could not be reverted
)

// allKinds in the order of the tests' table.
var allKinds = []Kind{KindBegin, KindDone, KindFailed, KindFound, KindResume, KindAbort, KindUndo, KindDrop,
	KindRetry, KindSkip, KindKill, KindGoOn, KindKeep, KindSend, KindSilent, KindLeave}

// Label is a request's name for people. The effect of an answer depends on the question:
// see Snapshot.Label.
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

// Event is one event, as stored in the journal.
type Event struct {
	Kind  Kind      `json:"kind"`
	Time  time.Time `json:"time"`
	By    string    `json:"by,omitempty"`    // the person who made the request
	PID   int       `json:"pid,omitempty"`   // of the worker
	Typed string    `json:"typed,omitempty"` // the text typed to confirm
	Notes []Note    `json:"notes,omitempty"` // the evidence, or the errors
	Data  *Data     `json:"data,omitempty"`
	Busy  bool      `json:"busy,omitempty"` // of a failure: it may be temporary, such as a starting server
}

// Data is the part of an effect's result that later steps and the report need. Each
// non-zero field replaces the previous value.
type Data struct {
	Stopped    bool        `json:"stopped,omitempty"` // the service ran and we stopped it
	Emergency  string      `json:"emergency,omitempty"`
	Also       []string    `json:"also_saved,omitempty"` // further backups of states that the run replaced
	Torn       bool        `json:"torn,omitempty"`       // when KindFound by load: what others wrote to is incomplete
	Mark       string      `json:"write_mark,omitempty"` // the server's write position before the emergency backup
	Unreadable []string    `json:"unreadable,omitempty"` // tables, when KindFound by save
	Sessions   []Session   `json:"sessions,omitempty"`   // when KindFound by quiet
	Started    bool        `json:"started,omitempty"`    // the load began to change data
	Untouched  bool        `json:"untouched,omitempty"`  // of a failed load back: nothing was changed yet
	Rows       int64       `json:"rows,omitempty"`
	Tables     int         `json:"tables,omitempty"`
	Bytes      int64       `json:"bytes,omitempty"`
	TableRows  []TableRows `json:"table_rows,omitempty"`
	Exports    []string    `json:"exports,omitempty"`
	Lost       *Loss       `json:"lost,omitempty"`
	Final      *Loss       `json:"final_loss,omitempty"` // what the restore loses, counted when nobody wrote any more
	Report     string      `json:"report,omitempty"`
	Text       string      `json:"text,omitempty"` // the notification text
	Told       []string    `json:"told,omitempty"` // targets that accepted the notification
	SwapMS     float64     `json:"swap_ms,omitempty"`
	Doubts     []Note      `json:"doubts,omitempty"`    // problems found by the verification
	Unstarted  bool        `json:"unstarted,omitempty"` // the service was not started: its database is incomplete
	Now        *Present    `json:"now,omitempty"`       // current state of the database, for the report
	Counters   []Counter   `json:"counters,omitempty"`  // tables whose next AUTO_INCREMENT value was raised
}

// Counter is a table whose next AUTO_INCREMENT value was raised, so that no key of a lost row is
// given again.
type Counter struct {
	Table string `json:"table"`
	Next  uint64 `json:"next"`
}

// TableRows is one table's verdict of the verification.
type TableRows struct {
	Table    string `json:"table"`
	Rows     int64  `json:"rows"`
	Want     int64  `json:"want"` // -1 if the backup does not tell
	Checksum string `json:"checksum"`
	State    string `json:"state"` // ok, differs, missing, uncounted
}
