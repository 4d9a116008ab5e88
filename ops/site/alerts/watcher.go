package alerts

import (
	"context"
	"errors"
	"slices"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
)

// Service is one service to watch.
type Service struct {
	Config config.Service
	Checks []health.Check
	// Site opens the service for one look.
	Site func() (*site.Site, error)
	// Styles is how the lines of a source are read; nil, or a nil style, is as everywhere.
	Styles func(source string) *line.Style
	// Program is how opsdeck is called for this service; "" is opsdeck alone.
	Program string
}

// Watcher watches services. It alone writes the book of its state folder: who runs it
// holds watch's lock.
type Watcher struct {
	Services []Service
	StateDir string
	Clock    clock.Clock
	Lang     *lang.Printer
	Say      func(lang.Msg)
	Beat     func() // called at every step: whoever supervises sees that it lives; may be nil

	book     *alert.Book
	watched  []*watched
	senders  map[string]*sender
	results  chan result
	wake     chan struct{}
	dirty    bool      // something changed that is not written yet
	unwrit   bool      // the last write failed
	stepped  time.Time // by the clock that does not jump
	written  time.Time
	flying   int
	complain map[string]string
}

// watched is a service that is watched.
type watched struct {
	Service
	rules   *ruleBook
	checks  map[string]*checkRule
	monitor *health.Monitor
	reader  *reader
	counts  map[*logRule]*alert.Count
	silence []alert.Silence
	looked  time.Time
}

// Times of watching.
const (
	beat       = time.Second            // between two steps at most
	shortest   = 100 * time.Millisecond // between two steps at least
	driftEvery = 5 * time.Second        // between two writes of what may be kept later
	lastWord   = 3 * time.Second        // for messages on their way when watch ends
	autoEvery  = 2 * time.Second        // between two looks for a restore under way
)

// Prepare reads the rules and the targets, and the state of before. A state file that
// cannot be used is set aside, with a word. It starts nothing.
func (w *Watcher) Prepare() error {
	w.complain = map[string]string{}
	w.senders = map[string]*sender{}
	for _, s := range w.Services {
		if err := Check(s.Config, s.Checks, w.Clock.Now()); err != nil {
			return err
		}
		rules, err := rulesOf(s.Config, w.Clock.Now())
		if err != nil {
			return err
		}
		one := &watched{Service: s, rules: rules, checks: map[string]*checkRule{}, counts: map[*logRule]*alert.Count{}}
		for _, c := range s.Checks {
			one.checks[c.Name] = rules.check(c, s.Checks)
		}
		for _, r := range rules.logs {
			if r.follows = rules.there(r.follows, s.Checks); len(r.follows) == 0 {
				r.Hold = 0
			}
		}
		w.watched = append(w.watched, one)
		for i, n := range s.Config.Notify {
			key := key(s.Config, i)
			w.senders[key] = &sender{key: key, conf: n}
		}
	}
	return nil
}

// load reads the book.
func (w *Watcher) load() error {
	book, err := alert.Load(w.StateDir)
	var bad *alert.UnusableError
	if errors.As(err, &bad) {
		aside, failed := alert.SetAside(w.StateDir, w.Clock.Now())
		if failed != nil {
			return ops.Wrap(failed, ops.Failed, lang.M("the state of the alerts cannot be set aside"))
		}
		w.Say(lang.M("the state of the alerts could not be used and was set aside as %s: %s", aside, bad.Error()))
		book, err = alert.Load(w.StateDir)
	}
	if err != nil {
		return err
	}
	w.book = book
	return nil
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	if err := w.load(); err != nil {
		return err
	}
	w.results = make(chan result, len(w.senders)+1)
	w.wake = make(chan struct{}, 1)
	w.stepped = time.Now()
	known := func(key string) bool { return w.senders[key] != nil }
	if n := w.book.Forget(known); n > 0 {
		w.Say(lang.M("messages dropped because their targets are no longer configured: %d", n))
		w.dirty = true
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	for _, s := range w.watched {
		s.start(inner, w)
		defer s.monitor.Close()
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		w.turn(ctx)
		select {
		case <-ctx.Done():
			w.finish()
			return nil
		case r := <-w.results:
			w.takeResult(r)
			continue
		case <-tick.C:
		case <-w.wake:
			select {
			case <-ctx.Done():
			case <-time.After(shortest):
			}
		}
	}
}

// start begins to look at a service's checks and to read its logs.
func (s *watched) start(ctx context.Context, w *Watcher) {
	h := s.Config.Health
	s.monitor = health.Watch(ctx, s.Checks, health.Options{
		Clock: w.Clock,
		Rule:  health.Rule{Fails: h.Fails, Passes: h.Passes},
		Retry: min(time.Second, h.Interval/5),
	})
	signal, end := s.monitor.Signal()
	go func() {
		defer end()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signal:
				w.poke()
			}
		}
	}()
	for _, r := range s.rules.logs {
		c := w.book.Counts[s.Config.Name+"/"+r.Name]
		if c == nil {
			c = &alert.Count{}
		}
		s.counts[r] = c
	}
	if len(s.Config.Logs) == 0 {
		return
	}
	places, known := w.placesOf(s.Config.Name)
	s.reader = newReader(s.Config, s.on(), places, known)
	s.reader.styles = s.Styles
	s.reader.now = w.Clock.Now
	s.reader.wake = w.poke
	s.reader.warn = func(name string, err error) {
		w.Say(lang.M("%s cannot be watched: %s", name, err.Error()))
	}
	go s.reader.run(ctx)
}

// on are the log rules that are not switched off.
func (s *watched) on() []*logRule {
	return slices.DeleteFunc(slices.Clone(s.rules.logs), func(r *logRule) bool { return s.rules.off[r.Name] })
}

func (w *Watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// placesOf are the places of a service's logs. known tells that its logs were read
// before.
func (w *Watcher) placesOf(service string) (places map[string]alert.Place, known bool) {
	places = map[string]alert.Place{}
	for name, p := range w.book.Places {
		if of, path, ok := cutPlace(name); ok && of == service {
			places[path] = p
			known = true
		}
	}
	return places, known
}

// turn carries everything on by one step: what was seen, what it makes of the alerts,
// what is kept, what is sent.
func (w *Watcher) turn(ctx context.Context) {
	now := time.Now()
	elapsed := now.Sub(w.stepped)
	w.stepped = now
	obeyed, err := w.book.Obey(w.StateDir)
	w.trouble("orders", err)
	step := alert.Step{Now: w.Clock.Now(), Elapsed: elapsed}
	for _, s := range w.watched {
		sights := append(w.checkSights(s), w.logSights(s, elapsed)...)
		step.Sights = append(step.Sights, sights...)
		step.Silences = append(step.Silences, w.auto(ctx, s, slices.ContainsFunc(sights, w.book.News))...)
	}
	changed := w.book.Take(step)
	packed := w.book.Pack(w.Lang, step.Now, elapsed, w.manner)
	w.dirty = w.dirty || obeyed || changed || packed
	if w.dirty || w.unwrit || w.book.Drift && now.Sub(w.written) >= driftEvery {
		w.keep(now)
	}
	w.send(ctx)
	if w.Beat != nil {
		w.Beat()
	}
}

// keep writes the book.
func (w *Watcher) keep(now time.Time) {
	w.book.WrittenAt = w.Clock.Now()
	err := w.book.Write(w.StateDir)
	w.written = now
	w.unwrit = err != nil
	w.trouble("state", err)
	if err == nil {
		w.dirty = false
		w.book.Drift = false
	}
}

// trouble says what goes wrong once, and that it is over once.
func (w *Watcher) trouble(of string, err error) {
	before, was := w.complain[of]
	switch {
	case err == nil && was:
		delete(w.complain, of)
		w.Say(lang.M("the state of the alerts can be written again"))
	case err != nil && before != err.Error():
		w.complain[of] = err.Error()
		w.Say(lang.M("cannot write the state of the alerts: %s", err.Error()))
	}
}

// finish waits for the messages on their way, and keeps the state.
func (w *Watcher) finish() {
	late := time.After(lastWord)
	for w.flying > 0 {
		select {
		case r := <-w.results:
			w.takeResult(r)
		case <-late:
			w.keep(time.Now())
			return
		}
	}
	w.keep(time.Now())
}

// checkSights are how the checks of a service are.
func (w *Watcher) checkSights(s *watched) (out []alert.Sight) {
	for _, x := range s.monitor.Report().Standings {
		r := s.checks[x.Check.Name]
		if r.off {
			continue
		}
		out = append(out, s.checkSight(r, x))
	}
	return out
}

func (s *watched) checkSight(r *checkRule, x health.Standing) alert.Sight {
	sight := alert.Sight{Rule: &r.critical, Fingerprint: x.Check.ID(), Follows: s.prints(r.follows)}
	if x.Last.Follows != "" {
		sight.Follows = append(sight.Follows, s.ofKind(x.Last.Follows, x.Check.Name)...)
	}
	if !x.Seen() || x.Last.Early {
		sight.Unknown = true
		return sight
	}
	shown := x.Shown()
	sight.Severity = x.State
	sight.Evidence = shown.Detail
	sight.Next = s.typed(nextOf(shown, x.Check))
	switch x.State {
	case ops.StateOK:
		return sight
	case ops.StateWarning:
		sight.Rule = &r.warning
	case ops.StateUnknown:
		sight.Rule = &r.unknown
		sight.Severity = ops.StateWarning
	}
	sight.Holds = true
	return sight
}

// typed is a sentence whose commands work when they are typed: whoever reads the alert may
// use another configuration.
func (s *watched) typed(next lang.Msg) lang.Msg {
	return typed.Msg(s.Program, next)
}

// nextOf is what to do first about a check.
func nextOf(r health.Result, c health.Check) lang.Msg {
	switch {
	case r.Restoring && !r.Meanwhile.Empty():
		return r.Meanwhile
	case !r.Deploying.Empty():
		return r.Deploying
	case !r.Next.Empty():
		return r.Next
	case len(c.Commands) > 0:
		return lang.Raw(c.Commands[0])
	}
	return lang.Raw("opsdeck status --only " + c.Name)
}

// prints are the fingerprints of rules of the service.
func (s *watched) prints(names []string) (out []string) {
	for _, n := range names {
		out = append(out, s.Config.Name+"/"+n)
	}
	return out
}

func (s *watched) ofKind(kind health.Kind, but string) (out []string) {
	for _, c := range s.Checks {
		if c.Kind == kind && c.Name != but {
			out = append(out, c.ID())
		}
	}
	return out
}

// logSights are what the log rules matched since the last step. The places of the logs
// go into the book together with what came of them.
func (w *Watcher) logSights(s *watched, elapsed time.Duration) (out []alert.Sight) {
	if s.reader == nil {
		return nil
	}
	got, places := s.reader.collect()
	for name, p := range places {
		key := s.Config.Name + placeMark + name
		old, had := w.book.Places[key]
		w.book.Drift = w.book.Drift || !had || old.Size != p.Size || !old.Last.Equal(p.Last)
		w.book.Places[key] = p
	}
	for _, r := range s.reader.rules {
		h := got[r]
		if h == nil {
			h = &hits{}
		}
		c := s.counts[r]
		had := !c.None()
		sum := c.Add(h.n, elapsed, r.window)
		key := s.Config.Name + "/" + r.Name
		if delete(w.book.Counts, key); !c.None() {
			w.book.Counts[key] = c
		}
		w.book.Drift = w.book.Drift || h.n > 0 || had && c.None()
		out = append(out, s.logSight(r, h, sum))
	}
	return out
}

func (s *watched) logSight(r *logRule, h *hits, sum int64) alert.Sight {
	key := s.Config.Name + "/" + r.Name
	sight := alert.Sight{
		Rule: &r.Rule, Fingerprint: key, Holds: sum >= r.count, Severity: r.severity, Seen: h.n, Lines: h.lines,
		Follows: s.prints(r.follows), Next: s.typed(lang.Raw("opsdeck logs " + quoted(r) + " --since -1h")),
	}
	switch {
	case len(h.lines) == 0:
	case r.count > 1:
		sight.Evidence = lang.M("%d matching lines within %s: %s", sum, human.Duration(r.window), said(h.lines[0]))
	default:
		sight.Evidence = lang.Raw(said(h.lines[0]))
	}
	return sight
}

// quoted is a rule's query as a shell takes it.
func quoted(r *logRule) string {
	if r.builtin {
		return "--critical"
	}
	return shell(r.text)
}

// auto are the silences that open and close by themselves: while a restore of the
// service is under way. They are kept nowhere: they end with the worker of the restore,
// however it ended. news tells that somebody may be told of something now: a restore that
// began a moment ago has to be seen before.
func (w *Watcher) auto(ctx context.Context, s *watched, news bool) []alert.Silence {
	now := time.Now()
	if !news && now.Sub(s.looked) < autoEvery || s.Site == nil || s.Config.Database.Name == "" || ctx.Err() != nil {
		return s.silence
	}
	s.looked = now
	s.silence = nil
	at, err := s.Site()
	if err != nil {
		return nil
	}
	run, err := checks.OpenRun(at, s.Config.Name, s.Config.Database.Name)
	if err != nil || run == nil || run.Run == nil || !run.Run.Alive || run.Run.Waiting() != nil {
		return nil
	}
	why := alert.Say(lang.M("a restore is running: %s", run.ID))
	for _, c := range s.Checks {
		if c.Kind != health.KindRestore {
			s.silence = append(s.silence, w.during(s, c.Name, run.ID, why))
		}
	}
	for _, r := range s.rules.logs {
		s.silence = append(s.silence, w.during(s, r.Name, run.ID, why))
	}
	return s.silence
}

func (w *Watcher) during(s *watched, rule, id string, why alert.Text) alert.Silence {
	now := w.Clock.Now()
	return alert.Silence{
		ID: id, Rule: rule, Service: s.Config.Name, From: now.Add(-time.Minute), Until: now.Add(time.Minute), Why: why,
	}
}
