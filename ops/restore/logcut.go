package restore

import (
	"time"

	"opsdeck/internal/lang"
)

// LogCut is the time when the run last swapped the live tables with those of another
// database; zero if it did not, or if the server's binlog is off. A backup from before it
// cannot be replayed to a moment after it: a RENAME that moves tables between databases
// cannot be replayed.
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
		return time.Time{} // the swap failed
	}
	return at
}

// BackUpNow is the advice after such a run. It is read later too, when a backup may have
// been made.
func BackUpNow() lang.Msg {
	return lang.M("The binlog cannot be replayed across this restore. Make a full backup, unless there is one since: " +
		"opsdeck backup create.")
}
