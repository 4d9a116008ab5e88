package restore

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
)

// How an object that a restore drops or replaces compares with the backup.
const (
	ObjectMissing = "missing" // not in the backup
	ObjectChanged = "changed" // defined differently in the backup
	ObjectUnknown = "unknown" // it could not be compared
)

// ObjectKinds are the kinds of objects that a restore drops and creates, named as in the
// manifest, in display order.
var ObjectKinds = []string{
	"view",
	"library",
	"package",
	"package body",
	"procedure",
	"function",
	"trigger",
	"event",
}

// LossObject is a view, routine, trigger or event that a restore drops or replaces.
type LossObject struct {
	Kind  string `json:"kind"` // one of ObjectKinds; "table" or "sequence" for a definition
	Name  string `json:"name"`
	Table string `json:"table,omitempty"` // of a trigger
	How   string `json:"how"`             // ObjectMissing, ObjectChanged or ObjectUnknown
}

// ObjectWords list the objects that will be lost, by kind, and tell where copies remain.
func (l Loss) ObjectWords() (out []lang.Msg) {
	if l.Unlisted {
		out = append(out, lang.M("views, routines, triggers and events could not be listed; those not in the backup "+
			"will be lost"))
	}
	for _, how := range []struct {
		state string
		say   func(kind lang.Msg, names string) lang.Msg
	}{
		{ObjectMissing, func(k lang.Msg, n string) lang.Msg { return lang.M("%s not in the backup: %s", k, n) }},
		{ObjectChanged, func(k lang.Msg, n string) lang.Msg { return lang.M("%s changed since the backup: %s", k, n) }},
		{ObjectUnknown, func(k lang.Msg, n string) lang.Msg {
			return lang.M("%s not compared with the backup, changes may be lost: %s", k, n)
		}},
	} {
		for _, kind := range append(slices.Clone(ObjectKinds), "table", "sequence") {
			if names := l.objects(kind, how.state); len(names) > 0 {
				out = append(out, how.say(kindWord(kind), termsafe.Line(strings.Join(names, ", "))))
			}
		}
	}
	if len(l.Objects) > 0 {
		out = append(out, lang.M("their definitions remain in the emergency backup; `restore undo` restores them, "+
			"after a swap until `restore drop-old`"))
	}
	return out
}

// objects are the names of one kind with the given comparison result.
func (l Loss) objects(kind, how string) (names []string) {
	for _, o := range l.Objects {
		if o.Kind == kind && o.How == how {
			names = append(names, o.Name)
		}
	}
	slices.Sort(names)
	return names
}

// kindWord is the plural of a kind.
func kindWord(kind string) lang.Msg {
	switch kind {
	case "view":
		return lang.M("views")
	case "procedure":
		return lang.M("procedures")
	case "function":
		return lang.M("functions")
	case "library":
		return lang.M("libraries")
	case "package":
		return lang.M("packages")
	case "package body":
		return lang.M("package bodies")
	case "trigger":
		return lang.M("triggers")
	case "table":
		return lang.M("table definitions")
	case "sequence":
		return lang.M("sequences")
	}
	return lang.M("events")
}
