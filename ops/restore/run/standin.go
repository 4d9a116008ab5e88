package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/restore"
)

// Unattended tells how a restore answers its questions when nobody is there. A run without
// it waits for a person indefinitely.
type Unattended struct {
	Answers Answers      `json:"answers"`
	After   restore.Span `json:"after_ms"` // time without anybody
	By      string       `json:"by"`       // who left the answers
}

func (f Folder) unattendedPath() string { return filepath.Join(f.Path, "unattended.json") }

// Leave stores the answers for when nobody is there; nil: a person will be.
func (f Folder) Leave(u *Unattended) error {
	if u == nil {
		err := os.Remove(f.unattendedPath())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	text, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode the answers: %w", err)
	}
	return atomicfile.WriteBytes(f.unattendedPath(), 0o600, text)
}

// Unattended returns the stored answers; nil if a person will answer.
func (f Folder) Unattended() (*Unattended, error) {
	text, err := regular.ReadFile(f.unattendedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var u Unattended
	if err := json.Unmarshal(text, &u); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.unattendedPath(), err)
	}
	return &u, nil
}

func (f Folder) attendedPath() string { return filepath.Join(f.Path, "attended") }

// Attend records that somebody who can answer is watching the run now. If it cannot be
// recorded, the run considers itself unattended.
func (f Folder) Attend() error {
	now := time.Now()
	err := os.Chtimes(f.attendedPath(), now, now)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(f.attendedPath(), nil, 0o600)
	}
	return err
}

// attended is the last time that somebody watched.
func (f Folder) attended() time.Time {
	info, err := os.Stat(f.attendedPath())
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Waiting is a question that nobody has answered yet.
type Waiting struct {
	Since   time.Time // of the first question of a row, where the same was tried again
	For     []restore.Note
	Answers []restore.Kind
	Until   time.Time    // when the stored answers are given, if nobody comes; zero: it waits for a person
	Then    restore.Kind // the answer that is given then
}

// Waiting tells since when and for what the run waits, or nil.
func (r *Run) Waiting() *Waiting {
	s := r.State
	if !s.Stage.Asks() || len(s.Trail) == 0 {
		return nil
	}
	asked := s.Trail[len(s.Trail)-1].Begin
	w := &Waiting{Since: asked, For: s.Why, Answers: s.Answers()}
	for i := len(s.Trail) - 3; r.Busy() && i >= 0 && s.Trail[i].Stage == s.Stage; i -= 2 { // retried, and asked again
		w.Since = s.Trail[i].Begin
	}
	if s.Stage == restore.AskNotify {
		w.For = []restore.Note{restore.N(lang.M("send the notification?"))}
	}
	u, err := r.Folder.Unattended()
	if err != nil || u == nil || !r.Alive {
		return w
	}
	y := Policy{Answers: u.Answers}
	if reply, ok := y.Choose(s, r.Busy(), asked); ok {
		w.Until = later(asked, r.Folder.attended()).Add(time.Duration(u.After))
		w.Then = reply.Kind
	}
	return w
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// standInEvery is the interval of checks whether somebody is there.
const standInEvery = 250 * time.Millisecond

// StandIn gives the stored answers to a worker's questions when nobody else does. If they
// have no answer, it ends the worker: the run keeps its state and can be resumed.
type StandIn struct {
	Folder Folder
	Clock  clock.Clock
	GiveUp func() // ends the worker

	asks   atomic.Bool // the run is asking
	policy Policy
	given  int // Seq of the newest answered question
	at     time.Time
	reply  Reply
}

// Changed is called for each step of the run.
func (in *StandIn) Changed(s restore.Snapshot) { in.asks.Store(s.Stage.Asks()) }

// Run answers until ctx ends.
func (in *StandIn) Run(ctx context.Context) {
	in.given = -1
	tick := time.NewTicker(standInEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			in.look()
		}
	}
}

func (in *StandIn) look() {
	if !in.asks.Load() {
		return
	}
	r, err := in.Folder.Load()
	if err != nil || !r.State.Stage.Asks() || in.given == r.State.Seq {
		return
	}
	u, err := in.Folder.Unattended()
	if err != nil || u == nil {
		return
	}
	now := in.Clock.Now()
	since := later(r.State.Trail[len(r.State.Trail)-1].Begin, in.Folder.attended())
	if now.Sub(since) < time.Duration(u.After) {
		in.at = time.Time{}
		return
	}
	in.answer(r, u, now)
}

// answer gives the policy's answer after its delay.
func (in *StandIn) answer(r *Run, u *Unattended, now time.Time) {
	if in.at.IsZero() {
		in.policy.Answers = u.Answers
		reply, ok := in.policy.Choose(r.State, r.Busy(), now)
		if !ok {
			in.given = r.State.Seq
			in.GiveUp()
			return
		}
		in.reply, in.at = reply, now.Add(reply.Wait)
	}
	if now.Before(in.at) {
		return
	}
	in.given, in.at = r.State.Seq, time.Time{}
	ev := restore.Event{Kind: in.reply.Kind, By: u.By}
	if r.State.NeedsTyping(ev.Kind) {
		ev.Typed = r.Plan.Target.Database
	}
	if err := in.Folder.Send(Request{Seq: r.State.Seq, Event: ev}); err != nil {
		in.given = -1 // retried at the next check
	}
}

// Held reports that the run was aborted because of something that may pass: others wrote to
// the database, a lock was held, the server was down.
func (r *Run) Held() bool {
	for i := len(r.Lines) - 1; i > 0; i-- {
		e, asked := r.Lines[i].Event, r.Lines[i-1]
		if e != nil && e.Kind == restore.KindAbort {
			return asked.Event != nil && (asked.Event.Busy || asked.Stage == restore.AskQuiet &&
				asked.Event.Kind == restore.KindFound)
		}
	}
	return false
}

// Busy reports that the last failure may be temporary.
func (r *Run) Busy() bool {
	if len(r.Lines) == 0 {
		return false
	}
	last := r.Lines[len(r.Lines)-1].Event
	return last != nil && last.Busy
}
