package restore

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
)

// Untold names, of a finished restore, whom nobody has notified; empty if all were, or none is
// to be.
func (p *Plan) Untold(s Snapshot) lang.Msg {
	untold := slices.DeleteFunc(slices.Clone(p.Notify), func(name string) bool {
		return slices.Contains(s.Data.Told, name)
	})
	if s.Stage != Done || len(untold) == 0 {
		return lang.Msg{}
	}
	return lang.M("Not notified: %s. Without --notify nothing is sent unless a person agrees.",
		strings.Join(untold, ", "))
}
