package run

import (
	"time"

	"opsdeck/ops/restore"
)

// Answers are an unattended restore's answers to possible questions.
type Answers struct {
	KillSessions   bool   `json:"kill_sessions,omitempty"`
	SkipUnreadable bool   `json:"skip_unreadable,omitempty"`
	WithoutBackup  string `json:"without_backup,omitempty"` // the database's name
	DespiteWrites  string `json:"despite_writes,omitempty"` // the database's name
	Notify         bool   `json:"notify,omitempty"`
	OnTrouble      string `json:"on_trouble,omitempty"` // "keep" or "undo"
}

// How long and how often a temporary failure is retried, and how often any other step is.
const (
	patience     = 90 * time.Second
	patientEvery = 2 * time.Second
	retryEvery   = time.Second
	mostTries    = 3
)

// Policy answers questions when no person is there. It remembers what it has tried.
type Policy struct {
	Answers Answers

	tries      map[restore.Stage]int
	since      time.Time // start of the repeated tries of a step
	sinceStage restore.Stage
}

// Reply is a policy's answer to a question.
type Reply struct {
	Kind restore.Kind
	Wait time.Duration // delay before it is given
	Left time.Duration // remaining patience with a temporary failure; 0 for other failures
}

// Choose answers the current question. busy tells that the failure may be temporary. ok is
// false if there is no answer: a person must decide.
func (y *Policy) Choose(s restore.Snapshot, busy bool, now time.Time) (r Reply, ok bool) {
	if y.tries == nil {
		y.tries = map[restore.Stage]int{}
	}
	if left := y.patient(s, busy, now); left > 0 {
		return Reply{restore.KindRetry, patientEvery, left}, true
	}
	kind := y.say(s)
	if kind != restore.KindRetry {
		return Reply{Kind: kind}, s.Can(kind)
	}
	y.tries[s.Stage]++
	return Reply{Kind: kind, Wait: retryEvery}, y.tries[s.Stage] <= mostTries && s.Can(kind)
}

// patient is how much longer a step is retried that failed because the server was down or
// locks were held.
func (y *Policy) patient(s restore.Snapshot, busy bool, now time.Time) time.Duration {
	if !busy || !s.Can(restore.KindRetry) {
		return 0
	}
	if y.since.IsZero() || y.sinceStage != s.Stage {
		y.since, y.sinceStage = now, s.Stage
	}
	return patience - now.Sub(y.since)
}

func (y *Policy) say(s restore.Snapshot) restore.Kind {
	switch s.Stage {
	case restore.AskNotify:
		y.tries[s.Stage]++
		if y.Answers.Notify && y.tries[s.Stage] == 1 {
			return restore.KindSend
		}
		return restore.KindSilent
	case restore.AskQuiet:
		return y.quiet(s)
	case restore.AskSkip:
		return orAbort(y.Answers.SkipUnreadable, restore.KindSkip)
	case restore.AskSave:
		return orAbort(y.Answers.WithoutBackup == s.Database, restore.KindSkip)
	case restore.AskSettle:
		return restore.KindRetry
	case restore.AskLoad:
		return y.loadAgain(s)
	case restore.AskSwap, restore.AskVerify:
		if s.Stage == restore.AskSwap && s.Written && y.Answers.DespiteWrites == s.Database {
			return restore.KindGoOn
		}
		return y.keepLoad(s)
	case restore.AskReady, restore.AskStart:
		if y.Answers.OnTrouble == "undo" && s.Can(restore.KindUndo) {
			return restore.KindUndo
		}
		return restore.KindKeep
	case restore.AskKeeping:
		return y.keeping(s)
	case restore.AskReport, restore.AskClean, restore.AskAbortStart, restore.AskAbortReady,
		restore.AskUndoStart, restore.AskUndoReady, restore.AskDrop:
		if y.tries[s.Stage] >= 1 {
			return restore.KindLeave
		}
		return restore.KindRetry
	}
	return orAbort(!s.Can(restore.KindAbort), restore.KindRetry)
}

// quiet is the answer while writes continue: their sessions are killed if that was
// allowed; otherwise it waits a little for them to end.
func (y *Policy) quiet(s restore.Snapshot) restore.Kind {
	y.tries[s.Stage]++
	switch n := y.tries[s.Stage]; {
	case y.Answers.KillSessions && len(s.Data.Sessions) > 0 && n <= mostTries:
		return restore.KindKill
	case y.Answers.DespiteWrites == s.Database:
		return restore.KindGoOn
	case n == 1 && len(writing(s.Data.Sessions)) == 0: // a service that was just stopped may write once more
		return restore.KindRetry
	}
	return restore.KindAbort
}

// loadAgain is the answer when a load failed. What others wrote after it had begun is neither
// dropped nor loaded over without a word: then a person decides.
func (y *Policy) loadAgain(s restore.Snapshot) restore.Kind {
	switch {
	case !s.Written || !s.Data.Started:
		return orAbort(!s.Can(restore.KindAbort), restore.KindRetry)
	case y.Answers.DespiteWrites == s.Database:
		return restore.KindRetry
	}
	return ""
}

func orAbort(yes bool, k restore.Kind) restore.Kind {
	if yes {
		return k
	}
	return restore.KindAbort
}

// keeping is the answer when the old tables cannot be backed up: they are kept, and not
// dropped.
func (y *Policy) keeping(s restore.Snapshot) restore.Kind {
	y.tries[s.Stage]++
	switch {
	case y.Answers.SkipUnreadable && s.Can(restore.KindSkip):
		return restore.KindSkip
	case y.tries[s.Stage] <= 1:
		return restore.KindRetry
	}
	return restore.KindLeave
}

// keepLoad is the answer after a complete load: what took hours is never dropped unasked,
// unless its verification found problems.
func (y *Policy) keepLoad(s restore.Snapshot) restore.Kind {
	y.tries[s.Stage]++
	if s.Can(restore.KindLeave) && (s.Stage == restore.AskSwap || len(s.Data.Doubts) == 0) {
		return restore.KindLeave
	}
	return orAbort(!s.Can(restore.KindAbort), restore.KindRetry)
}
