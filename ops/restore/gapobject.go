package restore

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
)

// routineKinds are the objects that a backup's user may be unable to see.
var routineKinds = []string{"library", "package", "package body", "procedure", "function"}

// objectGaps are the live views, routines, triggers and events that a backup lacks although
// they may be older than it: a plain mysqldump leaves out routines and events, and a user
// without the right does not see the routines of others. tables are the gaps of tables, whose
// triggers go with them.
func (p gapFinder) objectGaps(a *Assessment, tables []Gap) (out []Gap) {
	for _, o := range a.Loss.Objects {
		with := o.Table != "" &&
			slices.ContainsFunc(tables, func(g Gap) bool { return g.Table == o.Table && g.Rows < 0 })
		if o.How == ObjectMissing && p.Source.overlooks(o.Kind) && !with {
			out = append(out, Gap{Table: o.Name, Kind: o.Kind, Rows: -1, Was: -1})
		}
	}
	return out
}

// overlooks reports whether the backup may lack objects of a kind that existed when it was made.
func (s Source) overlooks(kind string) bool {
	switch kind {
	case "table", "sequence":
		return false
	}
	return !s.Manifest && s.Inspected || s.Unseen && slices.Contains(routineKinds, kind)
}

// fullerHint is the advice for objects that the backup overlooked.
func (s Source) fullerHint(all string) lang.Msg {
	if s.Manifest {
		return lang.M("choose another backup: --from; lose it anyway: --accept-missing %s", all)
	}
	return lang.M("use a dump made with --routines --events --triggers; lose it anyway: --accept-missing %s", all)
}

// missObjects notes which live objects a dump without a manifest lacks: its contents are known
// only after the look at the server.
func (l *Loss) missObjects(s Source, folded bool) {
	if s.Manifest || !s.Inspected {
		return
	}
	for i, o := range l.Objects {
		any := anyCase(o.Kind, folded)
		held := slices.ContainsFunc(s.Holds, func(b backup.Object) bool {
			return b.Kind == o.Kind && (b.Name == o.Name || any && strings.EqualFold(b.Name, o.Name))
		})
		if !held && o.How == ObjectUnknown && o.Kind != "table" && o.Kind != "sequence" {
			l.Objects[i].How = ObjectMissing
		}
	}
}

// anyCase reports whether the server takes names of a kind in any case.
func anyCase(kind string, folded bool) bool {
	return folded || kind == "event" || slices.Contains(routineKinds, kind)
}
