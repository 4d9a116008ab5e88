package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// watchEvery is how often a run's folder is looked at.
const watchEvery = 80 * time.Millisecond

// watcher follows a run from outside its worker: it prints what happens and
// sends answers.
type watcher struct {
	*desk
	f        restore.Folder
	ans      answers
	json     bool
	seen     int // journal lines
	answered int // Seq of the newest question that got an answer
	tries    map[restore.Stage]int
	bar      *progress
	last     *restore.Run
	stuck    bool
	input    chan string

	since      time.Time // a step is tried again and again since
	sinceStage restore.Stage
}

// attach follows a run to its end. want is the result that counts as success;
// empty takes any.
func (d *desk) attach(f restore.Folder, ans answers, asJSON bool, want string) error {
	return d.attachFrom(f, 0, ans, asJSON, want)
}

// attachFrom leaves out the journal's first lines, which were told before.
func (d *desk) attachFrom(f restore.Folder, told int, ans answers, asJSON bool, want string) error {
	w := &watcher{desk: d, f: f, ans: ans, json: asJSON, bar: d.progress(), tries: map[restore.Stage]int{}, answered: -1, seen: told}
	err := f.Watch(d.ctx, watchEvery, w.see)
	w.bar.done()
	if err != nil && d.ctx.Err() != nil {
		if w.last != nil && w.last.Alive {
			d.note(lang.M("The restore goes on without this terminal. Watch it: opsdeck restore attach"))
		}
		return exitCode(ops.Interrupted)
	}
	if err != nil {
		return err
	}
	return w.end(want)
}

// see takes in how the run stands; false ends the watch.
func (w *watcher) see(r *restore.Run) bool {
	w.last = r
	for n := w.seen; n < len(r.Lines); n++ {
		w.line(r, n)
	}
	w.seen = len(r.Lines)
	if r.Progress != nil {
		w.bar.report(*r.Progress)
	}
	if !r.Alive {
		return !r.State.Stage.Final() && r.State.Stage != restore.Planned && w.young(r)
	}
	if r.State.Stage.Asks() && w.answered != r.State.Seq {
		w.bar.done()
		w.answered = r.State.Seq
		return w.answer(r)
	}
	return true
}

// young gives a worker that was just started, or just ended, a moment.
func (w *watcher) young(r *restore.Run) bool {
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
func (w *watcher) line(r *restore.Run, n int) {
	l := r.Lines[n]
	step := l.Stage.Step()
	if n > 0 && l.Event != nil && (l.Event.Kind == restore.KindDone || l.Event.Kind == restore.KindFailed || l.Event.Kind == restore.KindFound) {
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

func (w *watcher) narrate(r *restore.Run, l restore.Line) {
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
func (w *watcher) answer(r *restore.Run) bool {
	if w.writable() != nil { // who may only read, watches
		w.note(lang.M("the restore waits for an answer, and --read-only gives none"))
		return true
	}
	kind, ok := w.choose(r)
	if !ok {
		w.stuck = true
		return false
	}
	ev := restore.Event{Kind: kind, By: w.operator()}
	if r.State.NeedsTyping(kind) {
		ev.Typed = r.Plan.Target.Database
	}
	if err := w.f.Send(restore.Request{Seq: r.State.Seq, Event: ev}); err != nil {
		w.note(lang.Raw(err.Error()))
		return false
	}
	return true
}

func (w *watcher) choose(r *restore.Run) (restore.Kind, bool) {
	if !w.json && isTerminal(w.in) && isTerminal(w.err) {
		return w.ask(r)
	}
	if w.patient(r) {
		return restore.KindRetry, true
	}
	kind, ok := w.policy(r)
	if ok && kind == restore.KindRetry {
		w.tries[r.State.Stage]++
		if w.tries[r.State.Stage] > 3 {
			return "", false
		}
		select {
		case <-time.After(time.Second):
		case <-w.ctx.Done():
		}
	}
	return kind, ok && r.State.Can(kind)
}

// patience is how long a failure that may go away by itself is tried again, and
// how often.
const (
	patience     = 90 * time.Second
	patientEvery = 2 * time.Second
)

// patient tells whether to try again a step that failed because the server was
// away or locks were held, and waits a moment for that.
func (w *watcher) patient(r *restore.Run) bool {
	last := r.Lines[len(r.Lines)-1]
	if last.Event == nil || !last.Event.Busy || !r.State.Can(restore.KindRetry) {
		return false
	}
	if w.since.IsZero() || w.sinceStage != r.State.Stage {
		w.since, w.sinceStage = time.Now(), r.State.Stage
	}
	if time.Since(w.since) > patience {
		return false
	}
	w.note(lang.M("            trying again in %s, for up to %s more", human.Duration(patientEvery), human.Duration((patience - time.Since(w.since)).Round(time.Second))))
	select {
	case <-time.After(patientEvery):
	case <-w.ctx.Done():
	}
	return true
}

// policy is the headless answer to each question.
func (w *watcher) policy(r *restore.Run) (restore.Kind, bool) {
	yes := func(cond bool, k restore.Kind) (restore.Kind, bool) {
		if cond {
			return k, true
		}
		return restore.KindAbort, true
	}
	switch r.State.Stage {
	case restore.AskNotify:
		if w.ans.Notify && w.tries[restore.AskNotify] == 0 {
			w.tries[restore.AskNotify]++
			return restore.KindSend, true
		}
		return restore.KindSilent, true
	case restore.AskQuiet:
		w.tries[restore.AskQuiet]++
		return yes(w.ans.KillSessions && w.tries[restore.AskQuiet] <= 3, restore.KindKill)
	case restore.AskSkip:
		return yes(w.ans.SkipUnreadable, restore.KindSkip)
	case restore.AskSave:
		return yes(w.ans.WithoutBackup == r.Plan.Target.Database, restore.KindSkip)
	case restore.AskReady, restore.AskStart:
		if w.ans.OnTrouble == "undo" && r.State.Can(restore.KindUndo) {
			return restore.KindUndo, true
		}
		return restore.KindKeep, true
	case restore.AskReport, restore.AskClean, restore.AskAbortStart, restore.AskAbortReady, restore.AskUndoStart, restore.AskUndoReady, restore.AskDrop:
		if w.tries[r.State.Stage] >= 1 {
			return restore.KindLeave, true
		}
		return restore.KindRetry, true
	}
	if r.State.Can(restore.KindAbort) {
		return restore.KindAbort, true
	}
	return restore.KindRetry, true
}

// ask shows the question and reads the answer's number.
func (w *watcher) ask(r *restore.Run) (restore.Kind, bool) {
	if r.State.Stage == restore.AskNotify {
		w.note(lang.M("This would be sent to %s:", strings.Join(r.Plan.Notify, ", ")))
		w.note(lang.Raw(r.State.Data.Text))
	}
	kinds := r.State.Answers()
	for {
		for i, k := range kinds {
			w.note(lang.M("  %d  %s", i+1, k.Label()))
		}
		fmt.Fprint(w.err, w.lang.T("Which? ")+" ")
		text, err := w.readLine()
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
			fmt.Fprint(w.err, w.lang.T("Type %s to go on:", r.Plan.Target.Database)+" ")
			if name, err := w.readLine(); err == nil && name == r.Plan.Target.Database {
				return k, true
			}
		}
	}
}

// readLine reads from the terminal until a line, or the end of the command.
func (w *watcher) readLine() (string, error) {
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
	select {
	case line, ok := <-w.input:
		if !ok {
			return "", errors.New("the terminal is closed")
		}
		return line, nil
	case <-w.ctx.Done():
		return "", context.Cause(w.ctx)
	}
}

// end says how it ended and makes the exit code of it.
func (w *watcher) end(want string) error {
	r := w.last
	result := r.State.Result()
	if w.json {
		w.ndjson(struct {
			ID         string    `json:"id"`
			Result     string    `json:"result"`
			RestoredTo time.Time `json:"restored_to"`
			Report     string    `json:"report"`
		}{r.Plan.ID, result, r.Plan.Source.At, r.State.Data.Report})
	}
	switch {
	case !r.State.Stage.Final() && w.stuck:
		return ops.E(ops.Failed, lang.M("the restore %s waits for an answer: %s", r.Plan.ID, whyText(r))).WithHint(lang.M("answer it: opsdeck restore attach %s", r.Plan.ID))
	case !r.State.Stage.Final():
		return ops.E(ops.Failed, lang.M("the worker of restore %s is gone", r.Plan.ID)).WithHint(lang.M("go on: opsdeck restore resume %s", r.Plan.ID))
	case want != "" && result != want:
		return ops.E(ops.Failed, lang.M("restore %s: %s", r.Plan.ID, r.State.Stage.Label())).WithHint(lang.M("see %s", r.Folder.ReportPath()))
	case r.State.NotReady && result == "restored":
		return ops.E(ops.Failed, lang.M("the data is restored, but the service is not ready")).WithHint(lang.M("opsdeck status; back to the former state: opsdeck restore undo"))
	}
	took := time.Duration(0)
	if n := len(r.State.Trail); n > 0 {
		took = r.State.Trail[n-1].Begin.Sub(r.State.Trail[0].Begin)
	}
	if !w.json {
		w.say(lang.M("restore %s: %s after %s; report: %s", r.Plan.ID, r.State.Stage.Label(), human.Duration(took), r.Folder.ReportPath()))
	}
	return nil
}

func whyText(r *restore.Run) string {
	if len(r.State.Why) == 0 {
		return string(r.State.Stage)
	}
	return r.State.Why[0].Msg.String()
}
