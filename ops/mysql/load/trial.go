package load

import (
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Trial judges the definitions of a backup while the backup is made, with the scanner and
// the rules by which a load judges them: what a load would refuse is known then.
type Trial struct {
	guards map[string]*guard // by database
	header []byte
}

// NewTrial begins a trial of one backup.
func NewTrial() *Trial { return &Trial{guards: map[string]*guard{}} }

// Refuses judges a member with definitions, in the order of the file. It returns the
// reason for which a load refuses the member; "" if there is none.
func (t *Trial) Refuses(m backup.Member, text []byte) string {
	if m.Kind == backup.MemberHeader {
		t.header = text
		return ""
	}
	g := t.guards[m.Database]
	if g == nil {
		g = t.guard(m.Database)
	}
	before := g.settings.copy()
	_, err := g.all(text, "")
	if err != nil {
		g.settings = before
	}
	if reason := refusalOf(err); !reason.Empty() {
		return reason.String()
	}
	return ""
}

// guard is that of a load of one database into a shadow.
func (t *Trial) guard(database string) *guard {
	g := &guard{
		schema:   database + "__new",
		from:     database,
		unfired:  true,
		definers: map[string][]string{},
		tables:   map[string]facts{},
		afar:     map[string]string{},
		note:     func(string, string, string) {},
	}
	g.settings.vars = map[string]string{}
	t.guards[database] = g
	g.all(t.header, "")
	return g
}

// errRefused marks the errors for statements that a load does not understand or does not
// allow. They say nothing about the file.
var errRefused = errors.New("refused")

// refusedError is the refusal of a statement.
type refusedError struct {
	said   *ops.Error
	reason lang.Msg
}

func (e *refusedError) Error() string { return e.said.Error() }

// Unwrap returns the sentence for people.
func (e *refusedError) Unwrap() error { return e.said }

// Is tells that the error is a refusal.
func (e *refusedError) Is(target error) bool { return target == errRefused }

// Refused reports whether a load ended because opsdeck itself does not understand or does
// not allow a statement of the dump. Another program may still load it.
func Refused(err error) bool { return errors.Is(err, errRefused) }

// refusalOf is the reason of a refusal; empty for other errors.
func refusalOf(err error) lang.Msg {
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused.reason
	}
	return lang.Msg{}
}
