package deploy

import (
	"slices"
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Place is a TCP port that the service, its database or its Redis uses.
type Place struct {
	Port    int
	What    string // "qianzhang-backend", "MySQL", "Redis"
	Inner   bool   // nobody but this machine should reach it
	Owned   bool   // whose process listens can be told: Holder.Ours is filled in
	Held    Fact[[]Holder]
	Running bool // whoever owns it is said to run
	Turn    Turn
	Start   string // the command that starts what listens there; may be empty
}

// Turn is what nginx does with a port of deploy.switch.
type Turn int

// The turns of a port. None is that of all other ports, and of both where nginx's file does
// not tell.
const (
	TurnNone  Turn = iota
	TurnUsers      // nginx sends users there
	TurnNext       // the next release is started there
)

// Holder is a process that listens on a port. PID is 0 where it may not be seen.
type Holder struct {
	PID    int
	Name   string
	Public bool       // beyond the machine itself
	Ours   Fact[bool] // it belongs to the service
}

// foreign tells whether a process on the port is known not to be the service's.
func (p Place) foreign(h Holder) bool { return p.Owned && h.PID > 0 && h.Ours.Seen && !h.Ours.Value }

// JudgePorts makes a finding of each port.
func JudgePorts(places []Place) []Finding {
	var out []Finding
	for _, p := range places {
		out = append(out, judgePort(p))
	}
	return out
}

func judgePort(p Place) Finding {
	f := Finding{Name: "port-" + strconv.Itoa(p.Port)}
	f.Why = lang.M("%s cannot start, or is not the one that answers, while another process has its port", p.What)
	switch {
	case !p.Held.Seen:
		return unknown(f.Name, p.Held.Why, f.Why)
	case len(p.Held.Value) == 0:
		return judgeFree(f.Name, p)
	}
	h := p.Held.Value[0]
	if i := slices.IndexFunc(p.Held.Value, p.foreign); i >= 0 { // one of several addresses may be another's
		h = p.Held.Value[i]
	}
	if f.Detail = lang.M("%s (pid %d)", h.Name, h.PID); h.PID == 0 {
		f.Detail = lang.M("a process of another user")
	}
	switch {
	case p.Owned && h.PID == 0:
		return unknown(f.Name, lang.M("which process listens can be seen by root only"), f.Why)
	case p.Owned && !h.Ours.Seen:
		return unknown(f.Name, lang.M("%s listens; whether it belongs to %s is not known (%s)", f.Detail, p.What,
			h.Ours.Why), f.Why)
	case p.foreign(h):
		f.State = ops.StateCritical
		f.Detail = lang.M("taken by %s, not by %s", f.Detail, p.What)
		f.Fix = "ps -fp " + strconv.Itoa(h.PID)
		return f
	case p.Inner && slices.ContainsFunc(p.Held.Value, func(h Holder) bool { return h.Public }):
		f.State, f.Why = ops.StateWarning, lang.M("every machine on the network can try passwords on %s", p.What)
		f.Detail = lang.M("%s listens on every address of this machine", f.Detail)
		f.Fix = "bind-address = 127.0.0.1"
		if p.What == "Redis" {
			f.Fix = "bind 127.0.0.1 -::1"
		}
		return f
	}
	switch p.Turn {
	case TurnUsers:
		return ok(f.Name, lang.M("%s, for %s: nginx sends users here", f.Detail, p.What))
	case TurnNext:
		return ok(f.Name, lang.M("%s, for %s: another release, which users do not get", f.Detail, p.What))
	}
	return ok(f.Name, lang.M("%s, for %s", f.Detail, p.What))
}

// judgeFree judges a port on which nobody listens.
func judgeFree(name string, p Place) Finding {
	f := Finding{Name: name, Fix: p.Start}
	if f.Fix == "" {
		f.Fix = "ss -ltnp"
	}
	switch {
	case p.Turn == TurnNext:
		return ok(name, lang.M("free, for the next release of %s", p.What))
	case p.Turn == TurnUsers && !p.Running:
		f.State = ops.StateWarning
		f.Why = lang.M("users get errors until it is started")
		f.Detail = lang.M("free: %s is stopped, and nginx sends users here", p.What)
	case p.Turn == TurnUsers:
		f.State = ops.StateCritical
		f.Why = lang.M("users get errors until it is started")
		f.Detail = lang.M("nothing listens, but nginx sends users here")
	case p.Running:
		f.State = ops.StateWarning
		f.Why = lang.M("%s cannot start, or is not the one that answers, while another process has its port", p.What)
		f.Detail = lang.M("%s runs, but nothing listens on port %d", p.What, p.Port)
	default:
		return ok(name, lang.M("free, for %s", p.What))
	}
	return f
}
