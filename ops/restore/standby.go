package restore

import (
	"regexp"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
)

// Standby is the warm shadow that a restore to a moment starts from instead of a load: it
// has the log up to At.
type Standby struct {
	Schema       string       `json:"schema"`
	At           binlog.Place `json:"at"`
	Done         string       `json:"gtid_done,omitempty"` // logged transactions that its backup held
	Time         time.Time    `json:"time"`                // everything committed before it is in
	Rest         Span         `json:"rest_ms"`             // length of log to replay
	Transactions int64        `json:"transactions"`        // in that rest
	Before       int64        `json:"before,omitempty"`    // transactions that the standby counted up to At
	Takes        Span         `json:"takes_ms"`            // estimated time to replay it; 0 if unknown
	Checked      time.Time    `json:"checked_at"`
	CheckedWith  string       `json:"checked_with"` // the backup that it was compared with
	// Proven are the tables without writes since then, by the server's log up to Seen.
	Proven []string     `json:"proven,omitempty"`
	Seen   binlog.Place `json:"seen,omitzero"`
}

// Warm is a standby beside a restore that does not start from it.
type Warm struct {
	Time  time.Time `json:"time,omitzero"`   // everything committed before it is in
	NoUse Note      `json:"unused,omitzero"` // why no restore can use it now; empty if one can
}

// fact offers the standby with the command that uses it, or tells why it cannot be used.
func (w *Warm) fact(src Source) (ops.State, lang.Msg) {
	switch {
	case w == nil:
		return 0, lang.Msg{}
	case !w.NoUse.Empty():
		return ops.StateOK, lang.M("the standby is not used: %s; the backup is loaded instead", w.NoUse.Msg)
	case w.Time.Before(src.At):
		return ops.StateOK, lang.M("the standby is not used: %s; the backup is loaded instead",
			lang.M("it is at %s, before this backup", human.Moment(w.Time)))
	}
	return ops.StateOK, lang.M("a standby is at %s: a restore to then, or to any later moment, loads no backup: "+
		"opsdeck restore --until %s", human.Moment(w.Time), w.moment())
}

// moment is the first moment, in whole seconds, that the standby is not past.
func (w *Warm) moment() string {
	return w.Time.Add(time.Second - 1).Truncate(time.Second).Format("2006-01-02T15:04:05Z07:00")
}

// standbyName is the suffix of standby databases.
var standbyName = regexp.MustCompile(`__standby_[0-9]{8}_[0-9]{6}_[0-9a-f]{4}$`)

// StandbySchema is the name of the standby database with that id.
func StandbySchema(live, id string) string { return SideSchema(live, "standby", id) }

// IsStandby reports whether a database is, by name, a standby of a live one.
func IsStandby(live, name string) bool {
	tail := standbyName.FindString(name)
	if tail == "" {
		return false
	}
	id := strings.TrimPrefix(tail, "__standby_")
	return SideSchema(live, "standby", id) == name
}

// Standby is the standby that the plan starts from; nil for a load.
func (p *Plan) Standby() *Standby {
	if p.Source.Replay == nil {
		return nil
	}
	return p.Source.Replay.Standby
}

// NoStandby is why the choice cannot start from a standby; empty if it can.
func (c Choice) NoStandby() lang.Msg {
	switch {
	case c.Into != "":
		return lang.M("the restore goes into another database")
	case c.Mode == InPlace:
		return lang.M("a restore in place loads into the live database")
	case len(c.Tables) > 0:
		return lang.M("only some tables are restored")
	}
	return lang.Msg{}
}

// useStandby makes the standby the restore's database, or records why it cannot.
func (p chooser) useStandby() {
	s := p.Standby()
	if s == nil {
		return
	}
	c := Choice{Mode: p.Mode, Tables: p.Tables}
	if p.Mode == Into {
		c.Into = p.Target.Database
	}
	why := c.NoStandby()
	if why.Empty() {
		p.Shadow = s.Schema
		return
	}
	r := *p.Source.Replay
	r.Standby, r.NoStandby = nil, N(why)
	p.Source.Replay = &r
}

// savesLater reports whether the emergency backup can be made after the service is back:
// the RENAME keeps every old table, so nothing is lost meanwhile. Tables that cannot be
// kept that way need it before.
func (p *Plan) savesLater() bool {
	return p.Mode == Swap && p.Standby() != nil && len(p.Unreadable) == 0 && len(p.Leaving) > 0
}

// standbyFact tells whether the standby is used, and how much of the log remains to
// replay.
func (r *Replay) standbyFact() (ops.State, lang.Msg) {
	s := r.Standby
	switch {
	case s == nil && r.NoStandby.Empty():
		return 0, lang.Msg{}
	case s == nil:
		return ops.StateOK, lang.M("the standby is not used: %s; the backup is loaded instead", r.NoStandby.Msg)
	}
	const clock = "2006-01-02 15:04:05"
	takes := lang.M("the duration is not known yet")
	if s.Takes > 0 {
		takes = lang.M("takes about %s", human.Duration(time.Duration(s.Takes)))
	}
	return ops.StateOK, lang.M("standby at %s: %s of log to replay (%s transactions), %s; last checked %s with %s",
		s.Time.Local().Format(clock), whole(time.Duration(s.Rest)), human.Count(s.Transactions), takes,
		s.Checked.Local().Format(clock), s.CheckedWith)
}
