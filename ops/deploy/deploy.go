// Package deploy judges whether a machine and a service are fit to run, and plans
// the steps that bring a new release there and take it back. It decides on facts
// that adapters bring; it opens no file and runs no program.
package deploy

import (
	"io/fs"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Finding is the result of one check.
type Finding struct {
	Name   string // "memory", "port-3000"
	State  ops.State
	Detail lang.Msg // what was found
	Why    lang.Msg // why it matters; may be empty where State is ok
	Fix    string   // the exact command or line that helps; may be empty where State is ok
	Repair *Repair  // the change that --fix makes; nil where a person has to do it
}

// Repair is a change that is safe to make without asking: a file's mode.
type Repair struct {
	Path string
	Mode fs.FileMode
}

// Verdict is the worst state of all findings.
func Verdict(all []Finding) ops.State {
	worst := ops.StateOK
	for _, f := range all {
		worst = ops.Worst(worst, f.State)
	}
	return worst
}

// Fact is something that was looked at, or the reason why it could not be seen.
// Its zero value is unknown.
type Fact[T any] struct {
	Value T
	Seen  bool
	Why   lang.Msg // why it could not be seen
}

// Known makes a fact that was seen.
func Known[T any](v T) Fact[T] { return Fact[T]{Value: v, Seen: true} }

// Unknown makes a fact that could not be seen.
func Unknown[T any](why lang.Msg) Fact[T] { return Fact[T]{Why: why} }

// unknown makes the finding of a fact that could not be seen.
func unknown(name string, reason, why lang.Msg) Finding {
	if reason.Empty() {
		reason = lang.M("not checked")
	}
	return Finding{Name: name, State: ops.StateUnknown, Detail: lang.M("cannot check: %s", reason), Why: why}
}

func ok(name string, detail lang.Msg) Finding { return Finding{Name: name, Detail: detail} }
