package restore

// rule determines the stage after an event, from the known facts; it changes nothing.
type rule func(s *Snapshot, e Event) (Stage, error)

type row map[Kind]rule

// table is the whole machine: a transition that is not listed is not possible.
var table = complete(map[Stage]row{
	Planned:  {KindBegin: to(Checking)},
	Checking: {KindDone: mode(Stopping, Stopping, Loading), KindFailed: to(AskCheck), KindAbort: to(AbortReporting)},
	AskCheck: {KindRetry: to(Checking), KindAbort: to(AbortReporting)},

	Stopping: {KindDone: to(Quieting), KindFailed: to(AskStop), KindAbort: to(AbortStarting)},
	AskStop:  {KindRetry: to(Stopping), KindAbort: to(AbortStarting)},
	Quieting: {KindDone: to(Saving), KindFound: to(AskQuiet), KindFailed: to(AskQuiet), KindAbort: to(AbortStarting)},
	AskQuiet: {KindRetry: to(Quieting), KindKill: to(Killing), KindGoOn: typed(Saving), KindAbort: to(AbortStarting)},
	Killing:  {KindDone: to(Quieting), KindFailed: to(AskQuiet), KindAbort: to(AbortStarting)},

	Saving:  {KindDone: load(false), KindFound: foundSaving, KindFailed: to(AskSave), KindAbort: to(AbortStarting)},
	AskSkip: {KindSkip: to(Saving), KindRetry: to(Saving), KindAbort: to(AbortStarting)},
	AskSave: {KindRetry: to(Saving), KindSkip: load(true), KindAbort: to(AbortStarting)},

	Loading: {KindDone: to(Verifying), KindFound: to(AskLoad), KindFailed: to(AskLoad), KindAbort: backOut},
	AskLoad: {KindRetry: saveAgain(Loading), KindLeave: leaveWritten, KindAbort: backOut},
	Verifying: {
		KindDone:   mode(Swapping, Starting, Reporting),
		KindFound:  to(AskVerify),
		KindFailed: to(AskVerify),
		KindAbort:  backOut,
	},
	AskVerify: {
		KindRetry: to(Verifying),
		KindGoOn:  typedMode(Swapping, Starting, Reporting),
		KindLeave: settle,
		KindAbort: backOut,
	},
	Swapping: {KindDone: to(Starting), KindFound: to(AskSwap), KindFailed: to(AskSwap), KindAbort: to(Cleaning)},
	AskSwap: {
		KindRetry: saveAgain(Swapping),
		KindGoOn:  despiteWrites,
		KindLeave: settle,
		KindAbort: to(Cleaning),
	},

	Starting: {KindDone: to(Readying), KindFailed: to(AskStart), KindUndo: undo, KindAbort: undo},
	AskStart: {KindRetry: to(Starting), KindUndo: undo, KindKeep: served},
	Readying: {KindDone: served, KindFailed: to(AskReady), KindUndo: undo, KindAbort: undo},
	AskReady: {KindRetry: to(Readying), KindUndo: undo, KindKeep: served},

	Keeping: {
		KindDone:   to(Reporting),
		KindFound:  to(AskKeeping),
		KindFailed: to(AskKeeping),
		KindUndo:   undo,
		KindAbort:  undo,
	},
	AskKeeping: {KindRetry: to(Keeping), KindSkip: skipKeeping, KindUndo: undo, KindLeave: to(Reporting)},

	Reporting: {KindDone: afterReport, KindFailed: to(AskReport)},
	AskReport: {KindRetry: to(Reporting), KindLeave: to(Done)},
	AskNotify: {KindSend: to(Notifying), KindSilent: to(Done)},
	Notifying: {KindDone: to(Done), KindFailed: to(AskNotify)},
	Done:      {KindResume: keepAgain, KindUndo: undo, KindDrop: dropFormer},
	Dropping:  {KindDone: to(Done), KindFailed: to(AskDrop)},
	AskDrop:   {KindRetry: dropAgain, KindLeave: dropLeave},

	Cleaning:       {KindDone: mode(AbortStarting, AbortStarting, AbortReporting), KindFailed: to(AskClean)},
	AskClean:       {KindRetry: to(Cleaning), KindLeave: mode(AbortStarting, AbortStarting, AbortReporting)},
	Settling:       {KindDone: to(AbortStarting), KindFailed: to(AskSettle)},
	AskSettle:      {KindRetry: to(Settling), KindAbort: to(Cleaning)},
	AbortStarting:  {KindDone: to(AbortReadying), KindFailed: to(AskAbortStart)},
	AskAbortStart:  {KindRetry: to(AbortStarting), KindLeave: to(AbortReporting)},
	AbortReadying:  {KindDone: to(AbortReporting), KindFailed: to(AskAbortReady)},
	AskAbortReady:  {KindRetry: to(AbortReadying), KindLeave: to(AbortReporting)},
	AbortReporting: {KindDone: to(Aborted), KindFailed: to(Aborted)},
	Aborted:        {KindResume: goOn, KindDrop: dropLoaded},
	DropAborted:    {KindDone: to(Aborted), KindFailed: to(AskDrop)},

	UndoStopping: {KindDone: to(UndoExporting), KindFailed: to(AskUndoStop), KindAbort: to(Starting)},
	AskUndoStop:  {KindRetry: to(UndoStopping), KindAbort: to(Starting)},
	UndoExporting: {
		KindDone:   mode(UndoSwapping, UndoLoading, UndoLoading),
		KindFailed: to(AskUndoExport),
		KindAbort:  to(Starting),
	},
	AskUndoExport: {
		KindRetry: to(UndoExporting),
		KindGoOn:  typedMode(UndoSwapping, UndoLoading, UndoLoading),
		KindAbort: to(Starting),
	},
	UndoSwapping:  {KindDone: to(UndoStarting), KindFailed: to(AskUndoSwap)},
	AskUndoSwap:   {KindRetry: to(UndoSwapping)},
	UndoLoading:   {KindDone: to(UndoStarting), KindFound: to(AskUndoLoad), KindFailed: to(AskUndoLoad)},
	AskUndoLoad:   {KindRetry: to(UndoLoading), KindGoOn: unlike, KindAbort: untouched},
	UndoStarting:  {KindDone: to(UndoReadying), KindFailed: to(AskUndoStart)},
	AskUndoStart:  {KindRetry: to(UndoStarting), KindLeave: to(UndoReporting)},
	UndoReadying:  {KindDone: to(UndoReporting), KindFailed: to(AskUndoReady)},
	AskUndoReady:  {KindRetry: to(UndoReadying), KindLeave: to(UndoReporting)},
	UndoReporting: {KindDone: to(Undone), KindFailed: to(Undone)},
	Undone:        {KindDrop: dropUndone},
	DropUndone:    {KindDone: to(Undone), KindFailed: to(AskDrop)},
})

// complete adds the general rule: a run that has started and is not over can be resumed in
// the same stage.
func complete(t map[Stage]row) map[Stage]row {
	for stage, r := range t {
		if stage != Planned && !stage.Final() {
			r[KindResume] = to(stage)
		}
	}
	return t
}

func to(stage Stage) rule { return func(*Snapshot, Event) (Stage, error) { return stage, nil } }

// mode selects by the restore's mode.
func mode(swap, inPlace, into Stage) rule {
	return func(s *Snapshot, _ Event) (Stage, error) {
		switch s.Mode {
		case Swap:
			return swap, nil
		case InPlace:
			return inPlace, nil
		}
		return into, nil
	}
}

func typed(stage Stage) rule { return typedMode(stage, stage, stage) }

func typedMode(swap, inPlace, into Stage) rule {
	choose := mode(swap, inPlace, into)
	return func(s *Snapshot, e Event) (Stage, error) {
		if e.Typed != s.Database {
			return "", ErrTyped
		}
		return choose(s, e)
	}
}

// foundSaving asks about unreadable tables, or else about continuing writes.
func foundSaving(_ *Snapshot, e Event) (Stage, error) {
	if e.Data != nil && len(e.Data.Unreadable) > 0 {
		return AskSkip, nil
	}
	return AskQuiet, nil
}

// backOut leaves before the swap: a shadow is dropped; a live database that was already
// emptied gets the emergency backup.
func backOut(s *Snapshot, _ Event) (Stage, error) {
	switch {
	case s.Stage == AskLoad && s.Written && !s.Data.Started: // nothing was changed yet
		return AbortStarting, nil
	case s.Mode != InPlace:
		return Cleaning, nil
	case s.Data.Emergency == "":
		return "", ErrNoBackup
	}
	return UndoLoading, nil
}

// saveAgain tries a stage again. Where the live database was written to after its emergency
// backup, the service is stopped and the current state backed up first.
func saveAgain(stage Stage) rule {
	return func(s *Snapshot, _ Event) (Stage, error) {
		if s.Written {
			return Checking, nil
		}
		return stage, nil
	}
}

// untouched ends an undo whose load has not changed the database: it stays as restored, and
// the service is started.
func untouched(s *Snapshot, _ Event) (Stage, error) {
	if !s.Untouched || !s.Swapped {
		return "", ErrNotNow
	}
	return Starting, nil
}

// unlike ends the way back although the database differs from the emergency backup.
func unlike(s *Snapshot, e Event) (Stage, error) {
	switch {
	case !s.Unlike:
		return "", ErrNotNow
	case e.Typed != s.Database:
		return "", ErrTyped
	}
	return UndoStarting, nil
}

// leaveWritten ends the restore and leaves the live database to those who wrote to it after
// the load had begun.
func leaveWritten(s *Snapshot, e Event) (Stage, error) {
	switch {
	case !s.Written || !s.Data.Started || s.Torn:
		return "", ErrNotNow
	case e.Typed != s.Database:
		return "", ErrTyped
	}
	return AbortReporting, nil
}

// despiteWrites swaps although the live database was written to after its emergency backup.
func despiteWrites(s *Snapshot, e Event) (Stage, error) {
	switch {
	case !s.Written:
		return "", ErrNotNow
	case e.Typed != s.Database:
		return "", ErrTyped
	}
	return Swapping, nil
}

func undo(s *Snapshot, _ Event) (Stage, error) {
	switch {
	case s.Mode == Into:
		return "", ErrNotNow
	case !s.Kept && s.Mode == InPlace:
		return "", ErrNoBackup
	case !s.Kept:
		return "", ErrNotNow
	}
	return UndoStopping, nil
}

// served continues once the service is back: with the emergency backup, if it was
// postponed until then.
func served(s *Snapshot, _ Event) (Stage, error) {
	if s.Unsaved() {
		return Keeping, nil
	}
	return Reporting, nil
}

// keepAgain makes the emergency backup that is missing after a restore.
func keepAgain(s *Snapshot, _ Event) (Stage, error) {
	if !s.Unsaved() {
		return "", ErrNotNow
	}
	return Keeping, nil
}

// skipKeeping continues without the unreadable tables.
func skipKeeping(s *Snapshot, _ Event) (Stage, error) {
	if len(s.Data.Unreadable) == 0 {
		return "", ErrNotNow
	}
	return Keeping, nil
}

// dropFormer drops the old tables, unless they are the only copy of the state before.
func dropFormer(s *Snapshot, e Event) (Stage, error) {
	if s.Unsaved() {
		return "", ErrUnsaved
	}
	return drop(Dropping)(s, e)
}

func afterReport(s *Snapshot, _ Event) (Stage, error) {
	if s.Notifies {
		return AskNotify, nil
	}
	return Done, nil
}

func drop(stage Stage) rule {
	return func(s *Snapshot, _ Event) (Stage, error) {
		if !s.Kept || s.Mode != Swap {
			return "", ErrNotNow
		}
		return stage, nil
	}
}

func dropUndone(s *Snapshot, e Event) (Stage, error) { return drop(DropUndone)(s, e) }

func dropAgain(s *Snapshot, _ Event) (Stage, error) {
	if s.Unswapped() {
		return DropAborted, nil
	}
	if s.Swapped {
		return Dropping, nil
	}
	return DropUndone, nil
}

func dropLeave(s *Snapshot, _ Event) (Stage, error) {
	if s.Unswapped() {
		return Aborted, nil
	}
	if s.Swapped {
		return Done, nil
	}
	return Undone, nil
}

// load continues with the load, or skips it if an earlier try left a kept one.
func load(needsName bool) rule {
	return func(s *Snapshot, e Event) (Stage, error) {
		switch {
		case needsName && e.Typed != s.Database:
			return "", ErrTyped
		case s.Loaded:
			return Verifying, nil
		}
		return Loading, nil
	}
}

// settle leaves before the swap and keeps what was loaded next to the live database.
func settle(s *Snapshot, _ Event) (Stage, error) {
	if s.Mode != Swap {
		return "", ErrNotNow
	}
	return Settling, nil
}

// goOn resumes a restore that was aborted with its load kept.
func goOn(s *Snapshot, _ Event) (Stage, error) {
	if !s.Loaded {
		return "", ErrNotNow
	}
	return Checking, nil
}

func dropLoaded(s *Snapshot, _ Event) (Stage, error) {
	if !s.Unswapped() {
		return "", ErrNotNow
	}
	return DropAborted, nil
}
