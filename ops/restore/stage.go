package restore

import "opsdeck/internal/lang"

// Stage is the state of a restore. A stage with an effect is running it; an asking stage
// waits for a person; a final stage is over.
type Stage string

// The way forward.
const (
	Planned    Stage = "planned"
	Checking   Stage = "checking"
	Stopping   Stage = "stopping"
	Quieting   Stage = "quieting"
	Killing    Stage = "killing"
	Saving     Stage = "saving"
	Loading    Stage = "loading"
	Verifying  Stage = "verifying"
	Swapping   Stage = "swapping"
	Starting   Stage = "starting"
	Readying   Stage = "readying"
	Keeping    Stage = "keeping" // the emergency backup of the old tables, after the service is back
	AskKeeping Stage = "ask-keeping"
	Reporting  Stage = "reporting"
	AskNotify  Stage = "ask-notify"
	Notifying  Stage = "notifying"
	Done       Stage = "done"
	AskCheck   Stage = "ask-check"
	AskStop    Stage = "ask-stop"
	AskQuiet   Stage = "ask-quiet"
	AskSave    Stage = "ask-save"
	AskSkip    Stage = "ask-skip"
	AskLoad    Stage = "ask-load"
	AskVerify  Stage = "ask-verify"
	AskSwap    Stage = "ask-swap"
	AskStart   Stage = "ask-start"
	AskReady   Stage = "ask-ready"
	AskReport  Stage = "ask-report"
	Dropping   Stage = "dropping"
	AskDrop    Stage = "ask-drop"
	DropUndone Stage = "dropping-undone"
)

// The way back before the swap.
const (
	Cleaning       Stage = "cleaning"
	Settling       Stage = "settling" // what was loaded is kept next to the live database
	AskSettle      Stage = "ask-settle"
	DropAborted    Stage = "dropping-aborted"
	AskClean       Stage = "ask-clean"
	AbortStarting  Stage = "abort-starting"
	AskAbortStart  Stage = "ask-abort-start"
	AbortReadying  Stage = "abort-readying"
	AskAbortReady  Stage = "ask-abort-ready"
	AbortReporting Stage = "abort-reporting"
	Aborted        Stage = "aborted"
)

// The way back after the swap.
const (
	UndoStopping  Stage = "undo-stopping"
	AskUndoStop   Stage = "ask-undo-stop"
	UndoExporting Stage = "undo-exporting"
	AskUndoExport Stage = "ask-undo-export"
	UndoSwapping  Stage = "undo-swapping"
	AskUndoSwap   Stage = "ask-undo-swap"
	UndoLoading   Stage = "undo-loading"
	AskUndoLoad   Stage = "ask-undo-load"
	UndoStarting  Stage = "undo-starting"
	AskUndoStart  Stage = "ask-undo-start"
	UndoReadying  Stage = "undo-readying"
	AskUndoReady  Stage = "ask-undo-ready"
	UndoReporting Stage = "undo-reporting"
	Undone        Stage = "undone"
)

// Effect is an action on the outside world. Every effect first checks the actual state, so
// it is idempotent.
type Effect string

// The effects.
const (
	EffectCheck    Effect = "check"
	EffectStop     Effect = "stop"
	EffectQuiet    Effect = "quiet"
	EffectKill     Effect = "kill"
	EffectSave     Effect = "save"
	EffectLoad     Effect = "load"
	EffectVerify   Effect = "verify"
	EffectSwap     Effect = "swap"
	EffectStart    Effect = "start"
	EffectReady    Effect = "ready"
	EffectKeep     Effect = "keep"
	EffectReport   Effect = "report"
	EffectNotify   Effect = "notify"
	EffectClean    Effect = "clean"
	EffectSettle   Effect = "settle"
	EffectExport   Effect = "export"
	EffectSwapBack Effect = "swap-back"
	EffectLoadBack Effect = "load-back"
	EffectDropOld  Effect = "drop-old"
)

var stageEffects = map[Stage]Effect{
	Checking: EffectCheck, Stopping: EffectStop, Quieting: EffectQuiet, Killing: EffectKill, Saving: EffectSave,
	Loading: EffectLoad, Verifying: EffectVerify, Swapping: EffectSwap, Starting: EffectStart, Readying: EffectReady,
	Keeping:   EffectKeep,
	Reporting: EffectReport, Notifying: EffectNotify, Dropping: EffectDropOld, DropUndone: EffectDropOld,
	Settling: EffectSettle, DropAborted: EffectDropOld,
	Cleaning: EffectClean, AbortStarting: EffectStart, AbortReadying: EffectReady, AbortReporting: EffectReport,
	UndoStopping: EffectStop, UndoExporting: EffectExport, UndoSwapping: EffectSwapBack, UndoLoading: EffectLoadBack,
	UndoStarting: EffectStart, UndoReadying: EffectReady, UndoReporting: EffectReport,
}

// Effect is the stage's effect; ok is false if it has none.
func (s Stage) Effect() (e Effect, ok bool) {
	e, ok = stageEffects[s]
	return e, ok
}

// Final reports that the restore is over. A finished restore can still be undone, and its
// old tables dropped.
func (s Stage) Final() bool { return s == Done || s == Aborted || s == Undone }

// Asks reports that the stage waits for a person.
func (s Stage) Asks() bool { return len(s) > 4 && s[:4] == "ask-" }

// Back reports that the stage is on a way back.
func (s Stage) Back() bool {
	switch s {
	case Cleaning,
		AskClean,
		Settling,
		AskSettle,
		DropAborted,
		AbortStarting,
		AskAbortStart,
		AbortReadying,
		AskAbortReady,
		AbortReporting,
		Aborted,
		UndoStopping,
		AskUndoStop,
		UndoExporting,
		AskUndoExport,
		UndoSwapping,
		AskUndoSwap,
		UndoLoading,
		AskUndoLoad,
		UndoStarting,
		AskUndoStart,
		UndoReadying,
		AskUndoReady,
		UndoReporting,
		Undone,
		DropUndone:
		return true
	}
	return false
}

// Step is one of the seven steps, 1 to 7.
type Step int

// The seven steps.
const (
	StepAssess Step = iota + 1
	StepStop
	StepSave
	StepRestore
	StepVerify
	StepRestart
	StepNotify
)

// AllSteps in order.
var AllSteps = []Step{StepAssess, StepStop, StepSave, StepRestore, StepVerify, StepRestart, StepNotify}

// Name is the step's stable name for programs.
func (s Step) Name() string {
	if s < StepAssess || s > StepNotify {
		return "none"
	}
	return [...]string{"assess", "stop", "save", "restore", "verify", "restart", "notify"}[s-1]
}

// Label is the step's name for people.
func (s Step) Label() lang.Msg {
	switch s {
	case StepAssess:
		return lang.M("Assess")
	case StepStop:
		return lang.M("Stop services")
	case StepSave:
		return lang.M("Back up as is")
	case StepRestore:
		return lang.M("Restore data")
	case StepVerify:
		return lang.M("Verify")
	case StepRestart:
		return lang.M("Restart")
	case StepNotify:
		return lang.M("Notify")
	}
	return lang.Msg{}
}

var stageSteps = map[Stage]Step{
	Planned: StepAssess, Checking: StepAssess, AskCheck: StepAssess,
	Stopping: StepStop, AskStop: StepStop, Quieting: StepStop, AskQuiet: StepStop, Killing: StepStop,
	Saving: StepSave, AskSave: StepSave, AskSkip: StepSave,
	Loading: StepRestore, AskLoad: StepRestore,
	Verifying: StepVerify, AskVerify: StepVerify, Swapping: StepVerify, AskSwap: StepVerify,
	Starting: StepRestart, AskStart: StepRestart, Readying: StepRestart, AskReady: StepRestart,
	Keeping: StepNotify, AskKeeping: StepNotify,
	Reporting: StepNotify, AskReport: StepNotify, AskNotify: StepNotify, Notifying: StepNotify, Done: StepNotify,
	Dropping: StepNotify, AskDrop: StepNotify, DropUndone: StepNotify,
	Cleaning:      StepRestore,
	AskClean:      StepRestore,
	Settling:      StepRestore,
	AskSettle:     StepRestore,
	DropAborted:   StepNotify,
	AbortStarting: StepRestart, AskAbortStart: StepRestart, AbortReadying: StepRestart, AskAbortReady: StepRestart,
	AbortReporting: StepNotify, Aborted: StepNotify,
	UndoStopping: StepStop, AskUndoStop: StepStop, UndoExporting: StepSave, AskUndoExport: StepSave,
	UndoSwapping: StepRestore, AskUndoSwap: StepRestore, UndoLoading: StepRestore, AskUndoLoad: StepRestore,
	UndoStarting: StepRestart, AskUndoStart: StepRestart, UndoReadying: StepRestart, AskUndoReady: StepRestart,
	UndoReporting: StepNotify, Undone: StepNotify,
}

// Step is the step that the stage belongs to.
func (s Stage) Step() Step { return stageSteps[s] }

// Label is the stage's current activity, for people.
func (s Stage) Label() lang.Msg {
	switch s {
	case Planned:
		return lang.M("planned, not started")
	case Checking:
		return lang.M("checking that the plan still applies")
	case Stopping, UndoStopping:
		return lang.M("stopping the service")
	case Quieting:
		return lang.M("checking that nothing writes")
	case Killing:
		return lang.M("ending the sessions left")
	case Saving:
		return lang.M("backing up the current state")
	case Loading:
		return lang.M("loading the backup")
	case Verifying:
		return lang.M("verifying what was loaded")
	case Swapping:
		return lang.M("swapping the tables")
	case Starting, AbortStarting, UndoStarting:
		return lang.M("starting the service")
	case Readying, AbortReadying, UndoReadying:
		return lang.M("waiting until the service is ready")
	case Keeping:
		return lang.M("backing up the old tables")
	case Reporting, AbortReporting, UndoReporting:
		return lang.M("writing the report")
	case Notifying:
		return lang.M("sending the notification")
	case Settling:
		return lang.M("keeping the loaded data")
	case Cleaning:
		return lang.M("removing the loaded data")
	case UndoExporting:
		return lang.M("exporting newer rows")
	case UndoSwapping:
		return lang.M("restoring the old tables")
	case UndoLoading:
		return lang.M("loading the emergency backup")
	case Dropping, DropUndone, DropAborted:
		return lang.M("dropping the kept tables")
	case Done:
		return lang.M("restored")
	case Aborted:
		return lang.M("aborted")
	case Undone:
		return lang.M("undone")
	}
	return lang.M("waiting for an answer")
}
