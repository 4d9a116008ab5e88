package main

import (
	"time"

	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site/restores"
)

// answers are what a headless restore says to the questions that may come up.
type answers struct {
	KillSessions   bool   `help:"End the sessions that still write after the stop."`
	SkipUnreadable bool   `help:"Continue even if some tables cannot be included in the emergency backup."`
	WithoutBackup  string `placeholder:"NAME" help:"Continue if the emergency backup fails; give the database name to confirm."`
	DespiteWrites  string `placeholder:"NAME" help:"Continue even if writes continue or cannot be ruled out; give the database name to confirm."`
	Notify         bool   `help:"Send the notification at the end."`
	OnTrouble      string `placeholder:"keep|undo" enum:"keep,undo" default:"keep" help:"If the service is not ready at the end: keep or undo."`

	AnswerAfter time.Duration `placeholder:"DUR" help:"Without a terminal: how long a question waits for a person after this command has exited, until these flags answer it (30s; with --detach 10m)."`
}

// words are the answers as the policy takes them.
func (ans answers) words() restorerun.Answers {
	return restorerun.Answers{
		KillSessions:   ans.KillSessions,
		SkipUnreadable: ans.SkipUnreadable,
		WithoutBackup:  ans.WithoutBackup,
		DespiteWrites:  ans.DespiteWrites,
		Notify:         ans.Notify,
		OnTrouble:      ans.OnTrouble,
	}
}

// unattended is what a run is left with that was begun or asked for without a
// terminal; nil at one: there a person answers.
func (ans answers) unattended(p *printer, d *restores.Desk, alone bool) *restorerun.Unattended {
	if p.atTerminal() {
		return nil
	}
	after := ans.AnswerAfter
	switch {
	case after > 0:
	case alone:
		after = answerAlone
	default:
		after = answerAfter
	}
	return &restorerun.Unattended{Answers: ans.words(), After: restore.Span(after), By: d.Operator()}
}

// How long a question of a run waits for a person, when nobody watches it: one
// whose command was ended, and one that was begun to be left alone.
const (
	answerAfter = 30 * time.Second
	answerAlone = 10 * time.Minute
)

// one is the argument of the verbs that act on a run.
type one struct {
	ID   string `arg:"" optional:"" help:"The restore's id (default: the newest)."`
	JSON bool   `name:"json" help:"Print JSON."`
}
