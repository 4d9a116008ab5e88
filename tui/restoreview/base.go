package restoreview

import (
	"time"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
)

// base is what every part of the wizard works with: the plan that is drawn up and the run that is watched.
type base struct {
	env     *page.Env
	desk    Desk
	gen     page.Gen // of drafts
	lists   page.Gen // of looks at the backups
	shown   bool
	choice  restore.Choice
	plan    *restore.Plan
	reach   restore.Reach // how close to the present a restore can come
	planErr error
	since   time.Time // a draft is under way since; zero: none
	looking lookingAt // at the backups of a copy
	saving  time.Time // what will be lost is being exported since; zero: it is not
	run     *run.Run
	runErr  error
	fresh   bool // the operator asked for a new plan though a run is there
	// starting tells that the draft under way is for a start: its confirmation follows.
	starting bool
	begun    bool    // a request to begin or go on is under way
	pending  pending // what is waited for after a key
	asked    int     // Seq of the question whose dialog was opened by itself
	step     int     // the marked step, 0 to 6
	follow   bool    // the mark follows the running step
	scroll   int     // of the right side
	problem  error   // of the last request
}

// lastSign is until when the run's clocks go: now while a worker is at work, else the last
// line that one wrote.
func (p *base) lastSign() time.Time {
	if n := len(p.run.Lines); !p.run.Alive && n > 0 {
		return p.run.Lines[n-1].Time
	}
	return p.env.Clock.Now()
}
