package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// world is a book with a clock that the test moves.
type world struct {
	t    *testing.T
	book *Book
	now  time.Time
}

func newWorld(t *testing.T) *world {
	return &world{t: t, book: newBook(), now: time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)}
}

func rule(name string) *Rule {
	return &Rule{Name: name, Service: "q", Targets: []string{"q/hook"}, Keep: 10 * time.Second, Repeat: time.Hour}
}

func sight(r *Rule, holds bool) Sight {
	return Sight{
		Rule: r, Fingerprint: "q/" + r.Name, Holds: holds, Severity: ops.StateCritical,
		Evidence: lang.Raw(r.Name + " broke"), Next: lang.Raw("mend " + r.Name),
	}
}

func (w *world) step(elapsed time.Duration, sights ...Sight) {
	w.now = w.now.Add(elapsed)
	w.book.Take(Step{Now: w.now, Elapsed: elapsed, Sights: sights})
}

// told are the messages that are made and delivered now, as WHAT RULE.
func (w *world) told() (out []string) {
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	for _, m := range w.book.Due() {
		var doc Doc
		if err := json.Unmarshal(m.Data, &doc); err != nil {
			w.t.Fatal(err)
		}
		for _, a := range doc.Alerts {
			out = append(out, a.What+" "+a.Rule)
		}
		w.book.Delivered(m, w.now)
	}
	return out
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := strings.Join(w.told(), ", "); got != strings.Join(want, ", ") {
		w.t.Fatalf("told %q, want %q", got, strings.Join(want, ", "))
	}
}

func (w *world) state(rule string, want State) {
	w.t.Helper()
	a := w.book.active("q/" + rule)
	if a == nil || a.State != want {
		w.t.Fatalf("%s is %+v, want %s", rule, a, want)
	}
}

func TestAnAlertGoesFromPendingToResolved(t *testing.T) {
	w, r := newWorld(t), rule("mysql")
	r.For = 5 * time.Second
	w.step(time.Second, sight(r, true))
	w.state("mysql", Pending)
	w.expect()
	w.step(5*time.Second, sight(r, true))
	w.state("mysql", Firing)
	w.expect("fired mysql")
	w.step(time.Minute, sight(r, true))
	w.expect() // one fingerprint, one alert
	w.step(9*time.Second, sight(r, false))
	w.state("mysql", Firing) // kept firing
	w.step(2*time.Second, sight(r, false))
	w.expect("resolved mysql")
	if len(w.book.Alerts) != 0 || len(w.book.History) != 1 || w.book.History[0].State != Resolved {
		t.Fatalf("%+v", w.book)
	}
}

func TestAPendingAlertThatPassesIsNotTold(t *testing.T) {
	w, r := newWorld(t), rule("ready")
	r.For = 5 * time.Second
	w.step(time.Second, sight(r, true))
	w.step(time.Second, sight(r, false))
	w.expect()
	if len(w.book.Alerts)+len(w.book.History) != 0 {
		t.Fatalf("%+v", w.book)
	}
}

func TestAClockThatJumpsResolvesNothingAndFiresNothing(t *testing.T) {
	w, r, p := newWorld(t), rule("mysql"), rule("late")
	p.For = time.Minute
	w.step(time.Second, sight(r, true), sight(p, true))
	w.expect("fired mysql")
	for _, jump := range []time.Duration{48 * time.Hour, -96 * time.Hour} {
		w.now = w.now.Add(jump)
		w.step(time.Second, sight(r, false), sight(p, true))
		w.state("mysql", Firing)
		w.state("late", Pending)
		w.expect()
	}
}

func TestWhatCannotBeSeenStaysAsItIs(t *testing.T) {
	w, r := newWorld(t), rule("mysql")
	w.step(time.Second, sight(r, true))
	w.expect("fired mysql")
	s := sight(r, false)
	s.Unknown = true
	w.step(30*time.Minute, s)
	w.state("mysql", Firing)
	w.expect()
}

func TestARuleIsToldAgainUntilItIsAcknowledged(t *testing.T) {
	w, r := newWorld(t), rule("mysql")
	r.EscalateAfter = 30 * time.Minute
	r.Escalate = []string{"q/boss"}
	w.step(time.Second, sight(r, true))
	w.expect("fired mysql")
	w.step(31*time.Minute, sight(r, true))
	w.expect("escalated mysql")
	if got := w.book.Sent[len(w.book.Sent)-1].Target; got != "q/boss" {
		t.Fatal(got)
	}
	w.step(61*time.Minute, sight(r, true))
	w.expect("repeated mysql", "repeated mysql")
	w.book.obey(Order{ID: "1", Kind: OrderAck, Rule: "mysql", By: "li", At: w.now})
	w.step(5*time.Hour, sight(r, true))
	w.state("mysql", Acknowledged)
	w.expect()
	w.step(11*time.Second, sight(r, false))
	w.expect("resolved mysql", "resolved mysql")
}

func TestAnAcknowledgedAlertThatGetsWorseIsToldAgain(t *testing.T) {
	w, r := newWorld(t), rule("disk")
	s := sight(r, true)
	s.Severity = ops.StateWarning
	w.step(time.Second, s)
	w.expect("fired disk")
	w.book.obey(Order{ID: "1", Kind: OrderAck, Rule: "disk", By: "li", At: w.now})
	w.step(time.Second, sight(r, true))
	w.expect("fired disk")
}

func TestASilenceKeepsQuietUntilItEnds(t *testing.T) {
	w, r, other := newWorld(t), rule("mysql"), rule("redis")
	w.book.obey(Order{ID: "1", Kind: OrderSilence, Rule: "mysql", At: w.now, Until: w.now.Add(time.Hour),
		Why: Text{EN: "moving"}})
	w.step(time.Second, sight(r, true), sight(other, true))
	w.state("mysql", Silenced)
	w.expect("fired redis")
	other.Repeat = 0
	w.step(time.Hour, sight(r, true), sight(other, true))
	w.expect("fired mysql") // it still fires when the silence ends
}

// TestAPersonsSecondSilenceExtendsTheFirst: it does not end with the first, nor stay when the
// first is ended. opsdeck's own stay apart, for it ends what it began.
func TestAPersonsSecondSilenceExtendsTheFirst(t *testing.T) {
	w := newWorld(t)
	at := func(id string, after, long time.Duration, why Text) {
		from := w.now.Add(after)
		w.book.obey(Order{ID: id, Kind: OrderSilence, Rule: "*", Service: "q", At: from, Until: from.Add(long),
			Why: why})
	}
	own := Text{EN: "deployment 1", ZH: "部署 1"}
	at("own", 0, 3*time.Minute, own)
	at("1", 0, 2*time.Hour, Text{EN: "disk"})
	at("2", time.Minute, 2*time.Hour, Text{EN: "disk, still"})
	at("2", time.Minute, 2*time.Hour, Text{EN: "disk, still"}) // an order is read again
	at("own2", time.Minute, 3*time.Minute, own)
	open := w.book.Open(w.now.Add(time.Minute))
	if len(open) != 3 || open[1].ID != "1" || open[1].Why.EN != "disk, still" ||
		!open[1].Until.Equal(w.now.Add(2*time.Hour+time.Minute)) {
		t.Fatalf("%+v", open)
	}
	at("3", 3*time.Hour, time.Hour, Text{EN: "again"}) // the first is over
	if open = w.book.Open(w.now.Add(3 * time.Hour)); len(open) != 1 || open[0].ID != "3" {
		t.Errorf("%+v", open)
	}
}

func TestWhatFollowsFromSomethingElseIsNotTold(t *testing.T) {
	w, cause, follower := newWorld(t), rule("mysql"), rule("ready")
	cause.For = 4 * time.Second
	follower.Hold = 10 * time.Second
	f := sight(follower, true)
	f.Follows = []string{"q/mysql"}
	w.step(time.Second, f, sight(cause, true))
	w.expect() // it may follow: the cause is not yet sure
	w.step(4*time.Second, f, sight(cause, true))
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	if m := w.book.Outbox["q/hook"]; m == nil || !strings.Contains(m.Text,
		"caused by it, not notified while it lasts: ready") {
		t.Fatalf("%+v", m)
	}
	w.expect("fired mysql")
	w.step(time.Hour-time.Minute, f, sight(cause, true))
	w.state("ready", Silenced)
	w.expect()
	w.step(11*time.Second, f, sight(cause, false)) // the cause is over, the other is not
	w.step(time.Second, f, sight(cause, false))
	w.expect("resolved mysql", "fired ready")
}

// TestWhatFollowsIsNotToldAfterARestart: until a check was looked at again, it is not known
// from what it follows; a person who was told of the cause is not told of the rest.
func TestWhatFollowsIsNotToldAfterARestart(t *testing.T) {
	w, cause, follower := newWorld(t), rule("health"), rule("ready")
	f := sight(follower, true)
	f.Follows = []string{"q/health"}
	w.step(time.Second, f, sight(cause, true))
	w.expect("fired health")
	dir := t.TempDir()
	if err := w.book.Write(dir); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.book, err = Read(dir); err != nil {
		t.Fatal(err)
	}
	unseen := func(r *Rule) Sight { return Sight{Rule: r, Fingerprint: "q/" + r.Name, Unknown: true} }
	w.step(time.Minute, unseen(follower), unseen(cause))
	w.state("ready", Silenced)
	w.expect()
	w.step(time.Minute, sight(follower, true), unseen(cause)) // it is seen, and follows from nothing now
	w.expect("fired ready")
}

func TestWarningsWaitInQuietHours(t *testing.T) {
	w, r := newWorld(t), rule("disk")
	quiet, err := ParseHours("22:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	r.Quiet = quiet
	w.now = time.Date(2026, 1, 29, 23, 0, 0, 0, time.UTC)
	s := sight(r, true)
	s.Severity = ops.StateWarning
	w.step(time.Second, s)
	w.state("disk", Firing)
	w.expect()
	w.step(8*time.Hour, s)
	w.expect("fired disk")
	for _, bad := range []string{"22-7", "22:00", "25:00-07:00", "22:00-07:00 "} {
		if _, err := ParseHours(bad); err == nil {
			t.Errorf("%q is taken for hours", bad)
		}
	}
}

func TestAnAlertThatComesAndGoesIsHeld(t *testing.T) {
	w, r := newWorld(t), rule("ready")
	r.Keep = 0
	told := 0
	for range 20 {
		w.step(time.Second, sight(r, true))
		w.step(time.Second, sight(r, false))
		told += len(w.told())
	}
	if told > 2*(flapLimit+1) {
		t.Fatalf("told %d times", told)
	}
	w.state("ready", Firing)
}

func TestAStormIsOneMessageWithCountsAndFirstLines(t *testing.T) {
	w := newWorld(t)
	var storm []Sight
	for i := range 300 {
		r := rule("r" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		storm = append(storm, sight(r, true))
	}
	w.step(time.Second, storm...)
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	m := w.book.Outbox["q/hook"]
	if m == nil || m.Subject != "[alerts] q: firing 300" || !strings.Contains(m.Text, "raa broke") ||
		len(m.Text) > 20000 {
		t.Fatalf("%+v", m)
	}
	w.told()
	w.step(time.Second, storm...)
	w.expect()
}

// TestTenThousandAlertsInAMinuteAreAFewMessages: each is in one of them, by name or in a
// number, and the state file stays small.
func TestTenThousandAlertsInAMinuteAreAFewMessages(t *testing.T) {
	const all = 10_000
	w := newWorld(t)
	rules := make([]Sight, all)
	for i := range rules {
		rules[i] = sight(rule(fmt.Sprint("r", i)), false)
	}
	messages, told := 0, 0
	for second := range 40 {
		for i := range rules {
			rules[i].Holds = i < (second+1)*all/20
		}
		w.step(time.Second, rules...)
		w.book.Pack(lang.For("en"), w.now, time.Second, nil)
		for _, m := range w.book.Due() {
			var doc Doc
			if err := json.Unmarshal(m.Data, &doc); err != nil {
				t.Fatal(err)
			}
			told += len(doc.Alerts)
			for _, n := range doc.Folded {
				told += int(n)
			}
			messages++
			w.book.Delivered(m, w.now)
		}
	}
	if told != all || messages > 20 {
		t.Errorf("%d of %d told in %d messages", told, all, messages)
	}
	dir := t.TempDir()
	if err := w.book.Write(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, File)); err != nil || info.Size() > 20<<20 {
		t.Errorf("the state file: %v %v", info, err)
	}
}

func TestMessagesToOneTargetKeepTheirOrderAndTheirName(t *testing.T) {
	w, r := newWorld(t), rule("mysql")
	w.step(time.Second, sight(r, true))
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	first := *w.book.Outbox["q/hook"]
	w.book.Refused(lang.English(), &first, Refusal{Why: "it answered 500"}, w.now)
	w.step(11*time.Second, sight(r, false)) // resolved while the first could not be delivered
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	if len(w.book.Due()) != 0 && w.book.Due()[0].ID != first.ID {
		t.Fatal("the second message overtook the first")
	}
	w.book.Pack(lang.For("en"), w.now, 2*time.Second, nil)
	again := w.book.Due()
	if len(again) != 1 || again[0].ID != first.ID || again[0].Text != first.Text || again[0].Attempts != 1 {
		t.Fatalf("%+v", again)
	}
	w.book.Delivered(again[0], w.now)
	w.expect("resolved mysql")
}

func TestAChattyServiceIsFoldedForItsTarget(t *testing.T) {
	w := newWorld(t)
	messages := 0
	for i := range 60 {
		r := rule("r" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		w.step(time.Second, sight(r, true))
		w.book.Pack(lang.For("en"), w.now, time.Second, nil)
		for _, m := range w.book.Due() {
			messages++
			w.book.Delivered(m, w.now)
		}
	}
	if messages < 5 || messages > 11 {
		t.Fatalf("%d messages in a minute", messages)
	}
}

func TestTheBookIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	w, r := newWorld(t), rule("mysql")
	w.step(time.Second, sight(r, true))
	w.book.Pack(lang.For("en"), w.now, 0, nil)
	w.book.Places["q app.log"] = Place{Head: []byte("a"), Foot: []byte("b"), Size: 3}
	if err := w.book.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := json.Marshal(w.book)
	after, _ := json.Marshal(got)
	if string(before) != string(after) {
		t.Fatalf("wrote %s\nread %s", before, after)
	}
}

func TestAStateFileThatCannotBeUsedIsSaidAndSetAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, File)
	for text, newer := range map[string]bool{`{"format":1,"alerts":[{"ru`: false, `{"format":99}`: true, `{}`: false,
		``: false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir)
		var bad *UnusableError
		if !errors.As(err, &bad) || bad.Newer != newer {
			t.Fatalf("%q: %v", text, err)
		}
		aside, err := SetAside(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := os.ReadFile(aside); err != nil || string(kept) != text {
			t.Fatalf("%q became %q, %v", text, kept, err)
		}
	}
	// A folder of that name would else keep watch from starting for ever.
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var bad *UnusableError
	if _, err := Read(dir); !errors.As(err, &bad) {
		t.Fatal(err)
	}
	if _, err := SetAside(dir, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(dir); err != nil || len(b.Alerts) != 0 {
		t.Fatal(b, err)
	}
}

func TestOrdersAreSeenAtOnceAndCarriedOutOnce(t *testing.T) {
	dir := t.TempDir()
	w, r := newWorld(t), rule("mysql")
	w.now = time.Now()
	w.step(time.Second, sight(r, true))
	if err := w.book.Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(dir, Order{Kind: OrderAck, Rule: "mysql", By: "li", At: w.now.Add(time.Second)}); err != nil {
		t.Fatal(err)
	}
	seen, err := Read(dir)
	if err != nil || seen.Alerts[0].State != Acknowledged || seen.Alerts[0].AckBy != "li" {
		t.Fatalf("%+v %v", seen.Alerts, err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := w.book.Obey(dir); err != nil || changed != want {
			t.Fatalf("%d: %v %v", i, changed, err)
		}
	}
}

func TestAWindowCountsByStepsAndForgets(t *testing.T) {
	c := &Count{}
	if got := c.Add(3, time.Second, time.Minute); got != 3 {
		t.Fatal(got)
	}
	if got := c.Add(2, 30*time.Second, time.Minute); got != 5 {
		t.Fatal(got)
	}
	if got := c.Add(0, 31*time.Second, time.Minute); got != 2 {
		t.Fatal(got)
	}
	if got := c.Add(0, 24*time.Hour, time.Minute); got != 0 || !c.None() {
		t.Fatal(got)
	}
}
