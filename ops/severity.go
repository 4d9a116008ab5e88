package ops

import (
	"fmt"

	"opsdeck/internal/lang"
)

// State is how a thing stands. The order is the order of how much a person
// must care; Unknown is not healthy.
type State int

// The states, least worrying first.
const (
	StateOK State = iota
	StateUnknown
	StateWarning
	StateCritical
)

var stateNames = [...]string{"ok", "unknown", "warning", "critical"}

// String is the contract's name: ok, warning, critical, unknown.
func (s State) String() string { return stateNames[s] }

// MarshalText writes the contract's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the contract's name.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("state %q: want ok, unknown, warning or critical", text)
}

// Label is the word for people.
func (s State) Label() lang.Msg {
	switch s {
	case StateOK:
		return lang.M("ok")
	case StateWarning:
		return lang.M("warning")
	case StateCritical:
		return lang.M("critical")
	}
	return lang.M("unknown")
}

// ExitCode is that of status and doctor: 0 ok, 1 warning, 2 critical, 3 unknown.
func (s State) ExitCode() int { return [...]int{0, 3, 1, 2}[s] }

// Worst is the one of the two that a person must care for more.
func Worst(a, b State) State { return max(a, b) }
