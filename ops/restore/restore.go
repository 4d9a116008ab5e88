// Package restore decides how a damaged database is restored: the plan that is shown and
// then executed, and the state machine of the seven steps. It does no I/O: package run
// executes a plan, package report describes the result.
package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"

	"opsdeck/internal/lang"
)

// Mode is how the restored data replaces the damaged data.
type Mode string

// The modes. Swap loads next to the live database and swaps the tables with one RENAME;
// InPlace empties the live database and loads into it; Into loads into a database that did
// not exist or was empty.
const (
	Swap    Mode = "swap"
	InPlace Mode = "in-place"
	Into    Mode = "into"
)

// Label is the mode's name for people.
func (m Mode) Label() lang.Msg {
	switch m {
	case Swap:
		return lang.M("swap")
	case InPlace:
		return lang.M("in place")
	}
	return lang.M("into another database")
}

// Errors of the machine and the runner.
var (
	// ErrNotNow reports that an event is not possible in the current stage.
	ErrNotNow = errors.New("not possible at this stage")
	// ErrTyped reports that this answer requires typing the database's name.
	ErrTyped = errors.New("the database's name must be typed for this")
	// ErrNoBackup reports that an in-place restore has no emergency backup to undo with.
	ErrNoBackup = errors.New("there is no emergency backup to return to")
	// ErrUnsaved reports that the old tables are the only copy of the state before the
	// restore.
	ErrUnsaved = errors.New("the old tables are not backed up yet")
	// ErrPlanChanged reports that the plan shown differs from what would be done now.
	ErrPlanChanged = errors.New("the plan changed since it was shown")
)

// Note is a sentence that is stored in a journal or a plan and can later be read in any
// language. Its arguments are text or Notes.
type Note struct{ lang.Msg }

// N makes a Note of a sentence. Whole numbers stay numbers, for %d; everything else
// becomes text.
func N(m lang.Msg) Note {
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		switch v := a.(type) {
		case lang.Msg:
			args[i] = N(v).Msg
		case Note:
			args[i] = v.Msg
		default:
			args[i] = plainArg(a)
		}
	}
	if len(args) == 0 {
		args = nil
	}
	return Note{lang.Msg{Key: m.Key, Args: args}}
}

// plainArg is an argument in the form that JSON stores.
func plainArg(a any) any {
	if _, named := a.(fmt.Stringer); !named {
		switch v := reflect.ValueOf(a); {
		case v.CanInt():
			return v.Int()
		case v.CanUint() && v.Uint() <= math.MaxInt64:
			return int64(v.Uint())
		}
	}
	return fmt.Sprint(a)
}

// RawNote is external text.
func RawNote(text string) Note { return N(lang.Raw(text)) }

type noteJSON struct {
	Text string            `json:"text"`
	Key  string            `json:"key,omitempty"`
	Args []json.RawMessage `json:"args,omitempty"`
}

// MarshalJSON writes the English text for programs, and key and arguments.
func (n Note) MarshalJSON() ([]byte, error) {
	out := noteJSON{Text: n.Msg.String()}
	if n.Key != out.Text {
		out.Key = n.Key
	}
	for _, a := range n.Args {
		var raw []byte
		var err error
		if m, ok := a.(lang.Msg); ok {
			raw, err = json.Marshal(Note{m})
		} else {
			raw, err = json.Marshal(plainArg(a))
		}
		if err != nil {
			return nil, err
		}
		out.Args = append(out.Args, raw)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Note) UnmarshalJSON(data []byte) error {
	var in noteJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Key == "" {
		in.Key = in.Text
	}
	n.Msg = lang.Msg{Key: in.Key}
	for _, raw := range in.Args {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			n.Args = append(n.Args, text)
			continue
		}
		var number int64
		if json.Unmarshal(raw, &number) == nil {
			n.Args = append(n.Args, number)
			continue
		}
		var inner Note
		if err := json.Unmarshal(raw, &inner); err != nil {
			return fmt.Errorf("argument of a note: %w", err)
		}
		n.Args = append(n.Args, inner.Msg)
	}
	return nil
}
