package restore

import (
	"strings"

	"opsdeck/internal/lang"
)

// Label is the text of an answer to the current question. It names what is skipped or
// left, because the same answer to two questions carries different risks.
func (s Snapshot) Label(k Kind) lang.Msg {
	switch k {
	case KindRetry:
		if s.Written {
			return lang.M("stop the service, back up the current state again, then continue")
		}
	case KindAbort:
		if s.entered(UndoStopping) && s.Stage.Back() {
			return lang.M("leave the database as it is, start the service")
		}
	case KindSkip:
		return s.skipLabel()
	case KindGoOn:
		return s.goOnLabel()
	case KindLeave:
		return s.leaveLabel()
	}
	return k.Label()
}

func (s Snapshot) skipLabel() lang.Msg {
	if s.Stage == AskSkip || s.Stage == AskKeeping {
		return lang.M("back up without these tables: %s", strings.Join(s.Data.Unreadable, ", "))
	}
	return lang.M("restore without an emergency backup")
}

func (s Snapshot) goOnLabel() lang.Msg {
	switch s.Stage {
	case AskQuiet:
		return lang.M("continue despite writes; those writes are lost")
	case AskSwap:
		return lang.M("swap now; what was written since is only in the old tables")
	case AskVerify, AskUndoLoad:
		return lang.M("use the loaded data although its verification failed")
	}
	return lang.M("undo without exporting newer rows")
}

func (s Snapshot) leaveLabel() lang.Msg {
	switch s.Stage {
	case AskLoad:
		return lang.M("end the restore; leave the database as it is now")
	case AskVerify, AskSwap:
		return lang.M("abort, and keep the loaded data")
	case AskKeeping:
		return lang.M("end without the emergency backup; the old tables stay")
	case AskReport:
		return lang.M("end without the report")
	case AskClean:
		return lang.M("keep the loaded data; remove it yourself")
	case AskAbortStart, AskUndoStart:
		return lang.M("end without starting the service")
	case AskAbortReady, AskUndoReady:
		return lang.M("end although the service is not ready")
	}
	return lang.M("keep the tables that could not be dropped")
}
