package restore

import (
	"time"

	"opsdeck/internal/lang"
)

// LogCut is when the run last exchanged the live tables for those of another schema;
// zero where it did not, or the server writes no binary log. No backup from before is
// replayed to a moment after it: a RENAME that moves tables between databases cannot be.
func (p *Plan) LogCut(s Snapshot) (at time.Time) {
	if p.Mode != Swap || p.Assessment == nil || !p.Assessment.Server.BinaryLog {
		return at
	}
	back := false
	for _, m := range s.Trail {
		if m.Stage == Swapping || m.Stage == UndoSwapping {
			at = m.End
			back = back || m.Stage == UndoSwapping
		}
	}
	if !s.Swapped && !back {
		return time.Time{} // the exchange failed
	}
	return at
}

// BackUpNow says what to do after such a run.
func BackUpNow() lang.Msg {
	return lang.M("Make a full backup now: opsdeck backup create; until then no restore to a moment after this one " +
		"is possible.")
}
