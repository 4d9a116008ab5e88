package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site/restores"
)

// watchEvery is how often a run's folder is looked at.
const watchEvery = 80 * time.Millisecond

// watcher follows a run from outside its worker: it prints what happens and
// sends answers.
type watcher struct {
	*printer
	writable        func() error // refuses under --read-only
	lastLinePrinted *atomic.Bool // the last line of JSON was printed
	desk            *restores.Desk
	f               restorerun.Folder
	json            bool
	seen            int // journal lines that were told
	answered        int // Seq of the newest question that got an answer
	policy          restorerun.Policy
	bar             *progress
	last            *restorerun.Run
	stuck           bool
	input           chan string
	unsent          error // why the last answer could not be left for the worker
}

// newWatcher watches a run for a command.
func newWatcher(a *app, d *restores.Desk, f restorerun.Folder, ans answers, asJSON bool) *watcher {
	return &watcher{
		printer:         a.printer,
		writable:        a.writable,
		lastLinePrinted: &a.lastLinePrinted,
		desk:            d,
		f:               f,
		policy:          restorerun.Policy{Answers: ans.words()},
		json:            asJSON,
		bar:             a.progress(),
		answered:        -1,
	}
}

// follow follows the run to its end. want is the result that counts as success;
// empty takes any.
func (w *watcher) follow(ctx context.Context, want string) error {
	present, gone := context.WithCancel(ctx)
	go w.stay(present)
	err := w.f.Watch(ctx, watchEvery, func(r *restorerun.Run) bool { return w.see(ctx, r) })
	gone()
	w.bar.done()
	w.lastLine()
	if err != nil && ctx.Err() != nil {
		if w.last != nil && w.last.Alive {
			w.note(lang.M("The restore continues without this terminal. Watch it: opsdeck restore attach"))
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
		return exitCode(ops.Interrupted)
	}
	if err != nil {
		return err
	}
	return w.end(want)
}

// attendEvery is how often it is said that somebody is here.
const attendEvery = time.Second

// stay says that somebody is here who can answer, as long as that is so.
func (w *watcher) stay(ctx context.Context) {
	if w.writable() != nil {
		return
	}
	for ctx.Err() == nil {
		w.f.Attend()
		select {
		case <-time.After(attendEvery):
		case <-ctx.Done():
		}
	}
}

// see takes in how the run stands; false ends the watch.
func (w *watcher) see(ctx context.Context, r *restorerun.Run) bool {
	w.last = r
	for n := w.seen; n < len(r.Lines); n++ {
		w.line(r, n)
	}
	w.seen = len(r.Lines)
	if r.Progress != nil {
		w.bar.report(*r.Progress)
	}
	if !r.Alive {
		return !r.State.Stage.Final() && r.State.Stage != restore.Planned && w.inGrace(r)
	}
	if r.State.Stage.Asks() && w.answered != r.State.Seq {
		w.bar.done()
		w.answered = r.State.Seq
		return w.answer(ctx, r)
	}
	return true
}

// inGrace gives a worker that was just started, or just ended, a moment.
func (w *watcher) inGrace(r *restorerun.Run) bool {
	return len(r.Lines) > 0 && time.Since(r.Lines[len(r.Lines)-1].Time) < time.Second
}

// restoreEvent is one line of the contract.
type restoreEvent struct {
	Time   time.Time `json:"time"`
	Step   string    `json:"step"`
	State  string    `json:"state"`
	Detail string    `json:"detail"`
	Stage  string    `json:"stage"`
}

// line tells the n-th line of the journal. What an effect reports belongs to the
// step it was begun in, not to the one that the restore goes on to.
func (w *watcher) line(r *restorerun.Run, n int) {
	l := r.Lines[n]
	step := l.Stage.Step()
	if n > 0 && l.Event != nil &&
		(l.Event.Kind == restore.KindDone || l.Event.Kind == restore.KindFailed || l.Event.Kind == restore.KindFound) {
		step = r.Lines[n-1].Stage.Step()
	}
	ev := restoreEvent{Time: l.Time, Step: step.Name(), Stage: string(l.Stage), Detail: w.lang.Msg(l.Stage.Label())}
	switch {
	case l.Event == nil:
		ev.State = "running"
	case l.Stage.Asks():
		ev.State = "asking"
	default:
		ev.State = string(l.Event.Kind)
	}
	if l.Event != nil {
		var notes []string
		for _, n := range l.Event.Notes {
			notes = append(notes, termsafe.Line(w.lang.Msg(n.Msg)))
		}
		if len(notes) > 0 {
			ev.Detail = strings.Join(notes, "; ")
		}
	}
	if w.json {
		w.ndjson(ev)
		return
	}
	w.bar.done()
	w.narrate(r, l)
}

func (w *watcher) narrate(r *restorerun.Run, l restorerun.Line) {
	at := l.Time.Local().Format("15:04:05")
	if l.Event == nil {
		w.note(lang.M("%s  %d/7 %s: %s", at, int(l.Stage.Step()), l.Stage.Step().Label(), l.Stage.Label()))
		return
	}
	for _, n := range l.Event.Notes {
		w.note(lang.M("            %s", n.Msg))
	}
}

// answer answers a question: at a terminal the person does, else the flags do.
func (w *watcher) answer(ctx context.Context, r *restorerun.Run) bool {
	if w.writable() != nil { // who may only read, watches
		w.note(lang.M("the restore is waiting for an answer, which --read-only does not allow"))
		return true
	}
	kind, ok := w.choose(ctx, r)
	if !ok && w.moved(r) {
		return true // somebody else answered, or the next look says that the worker is gone
	}
	if !ok {
		w.stuck = true
		return false
	}
	ev := restore.Event{Kind: kind, By: w.desk.Operator()}
	if r.State.NeedsTyping(kind) {
		ev.Typed = r.Plan.Target.Database
	}
	err := w.f.Send(restorerun.Request{Seq: r.State.Seq, Event: ev})
	if err != nil {
		w.retry(ctx, r, err)
	}
	w.unsent = err
	return true
}

// sendEvery is how long after an answer that could not be left it is tried again.
const sendEvery = time.Second

// retry waits a moment and lets the question be answered again. The worker
// lives and waits: it is told once why the answer did not reach it.
func (w *watcher) retry(ctx context.Context, r *restorerun.Run, err error) {
	if w.unsent == nil {
		w.note(lang.M("the answer cannot be handed to the waiting worker (pid %d), retrying: %s", r.Worker.PID,
			lang.Raw(err.Error())))
	}
	w.answered = -1
	select {
	case <-time.After(sendEvery):
	case <-ctx.Done():
	}
}

// errMoved says that nobody waits for the answer any more.
var errMoved = errors.New("the question is not open any more")

// moved tells whether the question of r is answered, or its worker gone.
func (w *watcher) moved(r *restorerun.Run) bool {
	now, err := w.f.Load()
	return err != nil || !now.Alive || now.State.Seq != r.State.Seq
}

func (w *watcher) choose(ctx context.Context, r *restorerun.Run) (restore.Kind, bool) {
	if w.atTerminal() && !w.json {
		return w.ask(ctx, r)
	}
	reply, ok := w.policy.Choose(r.State, r.Busy(), time.Now())
	if !ok {
		return "", false
	}
	if reply.Left > 0 {
		w.note(lang.M("            trying again in %s, for up to %s more", human.Duration(reply.Wait),
			human.Duration(reply.Left.Round(time.Second))))
	}
	select {
	case <-time.After(reply.Wait):
	case <-ctx.Done():
	}
	return reply.Kind, true
}

// ask shows the question and reads the answer's number.
func (w *watcher) ask(ctx context.Context, r *restorerun.Run) (restore.Kind, bool) {
	if r.State.Stage == restore.AskNotify {
		w.note(lang.M("This would be sent to %s:", strings.Join(r.Plan.Notify, ", ")))
		w.note(lang.Raw(r.State.Data.Text))
		w.note(lang.M("Mail and plain webhooks also get the whole report: %s", r.State.Data.Report))
	}
	kinds := r.Answers()
	for {
		for i, k := range kinds {
			w.note(lang.M("  %d  %s", i+1, r.State.Label(k)))
		}
		fmt.Fprint(w.err, w.lang.T("Which? ")+" ")
		text, err := w.readLine(ctx, r)
		if err != nil {
			return "", false
		}
		for i, k := range kinds {
			if text != fmt.Sprint(i+1) {
				continue
			}
			if !r.State.NeedsTyping(k) {
				return k, true
			}
			fmt.Fprint(w.err, w.lang.T("Type %s to continue:", r.Plan.Target.Database)+" ")
			name, err := w.readLine(ctx, r)
			switch {
			case err != nil:
				return "", false
			case name == r.Plan.Target.Database:
				return k, true
			}
		}
	}
}

// readLine reads from the terminal until a line, the end of the command, or
// until nobody waits for the answer to r any more.
func (w *watcher) readLine(ctx context.Context, r *restorerun.Run) (string, error) {
	if w.input == nil {
		w.input = make(chan string)
		go func() {
			in := bufio.NewReader(w.in)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					close(w.input)
					return
				}
				w.input <- strings.TrimSpace(line)
			}
		}()
	}
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		select {
		case line, ok := <-w.input:
			if !ok {
				return "", errors.New("the terminal is closed")
			}
			return line, nil
		case <-tick.C:
			if w.moved(r) {
				return "", errMoved
			}
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// lastLine ends the JSON of a run that was watched, however the watch ended.
func (w *watcher) lastLine() {
	if !w.json || w.last == nil {
		return
	}
	r := w.last
	w.lastLinePrinted.Store(true)
	w.ndjson(struct {
		ID         string    `json:"id"`
		Result     string    `json:"result"`
		RestoredTo time.Time `json:"restored_to"`
		Report     string    `json:"report"`
	}{r.Plan.ID, r.State.Result(), r.Plan.Source.At, r.State.Data.Report})
}

// end says how it ended and makes the exit code of it.
func (w *watcher) end(want string) error {
	r := w.last
	if err := r.Verdict(want, w.stuck); err != nil || w.json {
		return err
	}
	w.say(r.Over())
	if r.State.Result() == "undone" && want != "" {
		for _, m := range r.Plan.UndoneTexts(r.State) {
			w.say(m)
		}
	}
	if untold := r.Plan.Untold(r.State); want == "restored" && !untold.Empty() {
		w.say(untold)
	}
	if !r.Plan.LogCut(r.State).IsZero() {
		w.say(restore.BackUpNow())
	}
	return nil
}
