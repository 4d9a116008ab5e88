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
	"opsdeck/ops/restore"
)

// Unattended says what a restore does with its questions when nobody is there
// to answer. A run without it waits for a person for as long as it takes.
type Unattended struct {
	Answers Answers      `json:"answers"`
	After   restore.Span `json:"after_ms"` // of nobody being there
	By      string       `json:"by"`       // whose answers they are
}

func (f Folder) unattendedPath() string { return filepath.Join(f.Path, "unattended.json") }

// Leave writes down what to answer when nobody is there; nil: a person will be.
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

// Unattended is what was left; nil when a person will answer.
func (f Folder) Unattended() (*Unattended, error) {
	text, err := os.ReadFile(f.unattendedPath())
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

// Attend says that somebody who can answer looks at the run now. It is a
// comfort: where it cannot be said, the run takes itself for unattended.
func (f Folder) Attend() error {
	now := time.Now()
	err := os.Chtimes(f.attendedPath(), now, now)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(f.attendedPath(), nil, 0o600)
	}
	return err
}

// attended is when somebody last looked.
func (f Folder) attended() time.Time {
	info, err := os.Stat(f.attendedPath())
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Waiting is a question that nobody has answered yet.
type Waiting struct {
	Since   time.Time
	For     []restore.Note
	Answers []restore.Kind
	Until   time.Time // when the answers that were left are given, if nobody comes; zero: it waits for a person
}

// Waiting tells since when and for what the run waits, or nil.
func (r *Run) Waiting() *Waiting {
	s := r.State
	if !s.Stage.Asks() || len(s.Trail) == 0 {
		return nil
	}
	w := &Waiting{Since: s.Trail[len(s.Trail)-1].Begin, For: s.Why, Answers: s.Answers()}
	if s.Stage == restore.AskNotify {
		w.For = []restore.Note{restore.N(lang.M("send the notification?"))}
	}
	if u, err := r.Folder.Unattended(); err == nil && u != nil && r.Alive {
		w.Until = later(w.Since, r.Folder.attended()).Add(time.Duration(u.After))
	}
	return w
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// standInEvery is how often it is looked whether somebody is there.
const standInEvery = 250 * time.Millisecond

// StandIn answers a worker's questions, as was left, when nobody does. Where the
// answers left do not say anything, it ends the worker: the run then stands
// where it stood, and can be resumed.
type StandIn struct {
	Folder Folder
	Clock  clock.Clock
	GiveUp func() // ends the worker

	asks   atomic.Bool // the run asks
	policy Policy
	given  int // Seq of the newest question that got an answer
	at     time.Time
	reply  Reply
}

// Changed is told each step of the run.
func (in *StandIn) Changed(s restore.Snapshot) { in.asks.Store(s.Stage.Asks()) }

// Run stands in until ctx ends.
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

// answer gives the policy's answer, once its wait is over.
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
		in.given = -1 // tried again with the next look
	}
}

// Busy tells that what failed last may go away by itself.
func (r *Run) Busy() bool {
	if len(r.Lines) == 0 {
		return false
	}
	last := r.Lines[len(r.Lines)-1].Event
	return last != nil && last.Busy
}
