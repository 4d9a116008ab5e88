package health

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

var noon = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

// course runs states through a rule, one a second, and writes the standing
// after each: o w c u, with the seconds since noon at which it began.
func course(states string, rule Rule) (string, Standing) {
	byLetter := map[rune]ops.State{
		'o': ops.StateOK,
		'w': ops.StateWarning,
		'c': ops.StateCritical,
		'u': ops.StateUnknown,
	}
	var s Standing
	var out strings.Builder
	for i, l := range states {
		s = s.Next(Result{State: byLetter[l], At: noon.Add(time.Duration(i) * time.Second)}, rule)
		out.WriteByte(s.State.String()[0])
	}
	return out.String(), s
}

func TestThreeFailuresGoCriticalAndTwoPassesRecover(t *testing.T) {
	for _, c := range []struct {
		looks, want string
		since       int // seconds after noon of the last state
	}{
		{"o", "o", 0}, {"occ", "ooo", 0}, {"occc", "oooc", 1}, {"occcoo", "ooocco", 4},
		{"occoccc", "ooooooc", 4}, {"c", "c", 0}, {"co", "cc", 0}, {"coo", "cco", 1},
		{"ow", "ow", 1}, {"wo", "wo", 1}, {"ou", "ou", 1}, {"ccoc", "cccc", 0},
		{"ccwo", "ccco", 2}, {"wccc", "wwwc", 1}, {"occcwu", "oooccu", 4},
	} {
		got, s := course(c.looks, DefaultRule)
		if got != c.want {
			t.Errorf("%s: stood %s, want %s", c.looks, got, c.want)
		}
		if since := int(s.Since.Sub(noon) / time.Second); since != c.since {
			t.Errorf("%s: since %d s, want %d", c.looks, since, c.since)
		}
	}
}

func TestOneLookJudgesAtOnceWithTheZeroRule(t *testing.T) {
	if got, _ := course("occoc", Rule{}); got != "occoc" {
		t.Fatalf("got %s", got)
	}
}

func TestHistoryIsBoundedAndEarlierStandingsKeepTheirs(t *testing.T) {
	var s Standing
	for i := range HistoryLength {
		s = s.Next(Result{At: noon.Add(time.Duration(i) * time.Second)}, DefaultRule)
	}
	old := s
	for i := range 10 {
		s = s.Next(Result{At: noon.Add(time.Hour), Latency: time.Duration(i)}, DefaultRule)
	}
	if len(s.History) != HistoryLength || !old.History[0].At.Equal(noon) ||
		!s.History[HistoryLength-1].At.Equal(noon.Add(time.Hour)) {
		t.Fatalf("length %d, oldest of the former %v", len(s.History), old.History[0].At)
	}
}

func at(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }

// stood is a standing that has been in a state since a second, witnessed.
func stood(kind Kind, r Result, since int) Standing {
	r.At = at(60)
	return Standing{
		Check:     Check{Service: "q", Name: string(kind), Kind: kind},
		State:     r.State,
		Since:     at(since),
		Last:      r,
		LastError: r,
		History:   []Sample{{At: at(0)}, {At: at(60), State: r.State}},
	}
}

func TestVerdictIsTheSentenceOfTheIssue(t *testing.T) {
	gone := Broken(lang.M("3 of 8 tables are missing"), lang.M("orders"))
	gone.Lost = true
	schema := stood(KindSchema, gone, 7)
	ready := stood(KindHTTP, Broken(lang.M("%s fails", "/health/ready"), lang.Msg{}), 9)
	backup := stood(
		KindBackup,
		Result{Subject: noon.Add(time.Minute - 3*time.Hour - 12*time.Minute - 30*time.Second)},
		0,
	)
	r := Report{At: at(60), Standings: []Standing{ready, backup, schema}}
	face := Face{Zone: time.UTC, Restore: lang.M("Press %s to restore.", "5")}
	got := Judge(r, face)
	want := "3 of 8 tables are missing since 12:00:07 (orders); /health/ready fails since 12:00:09; newest good " +
		"backup 3 h 12 m ago. Press 5 to restore."
	if got.Text.String() != want || got.State != ops.StateCritical {
		t.Fatalf("got  %s\nwant %s", got.Text, want)
	}
	down := Broken(lang.M("MySQL is down"), lang.M("connection refused"))
	down.Next = lang.M("Start it.")
	r.Standings[2] = stood(KindMySQL, down, 7)
	want = "MySQL is down since 12:00:07 (connection refused); /health/ready fails since 12:00:09; newest good " +
		"backup 3 h 12 m ago. Start it."
	if got := Judge(r, face).Text.String(); got != want {
		t.Fatalf("a server that is only stopped:\ngot  %s\nwant %s", got, want)
	}
}

func TestARestoreUnderWayIsSaidBeforeAllElse(t *testing.T) {
	mysql := stood(KindMySQL, Broken(lang.M("MySQL is down"), lang.Msg{}), 7)
	mysql.Last.Next = lang.M("Start it.")
	restoring := stood(
		KindRestore,
		Result{
			State:    ops.StateWarning,
			Headline: lang.M("a restore of %s is running", "sales"),
			Next:     lang.M("Start nothing by hand."),
		},
		3,
	)
	got := Judge(Report{At: at(60), Standings: []Standing{mysql, restoring}}, Face{Zone: time.UTC})
	want := "A restore of sales is running since 12:00:03; MySQL is down since 12:00:07. Start it."
	if got.Text.String() != want || got.State != ops.StateCritical {
		t.Fatalf("%v: got  %s\nwant %s", got.State, got.Text, want)
	}
	restoring.State, restoring.Last = ops.StateOK, Result{}
	if got := Judge(Report{At: at(60), Standings: []Standing{mysql, restoring}},
		Face{Zone: time.UTC}); got.Text.String() != "MySQL is down since 12:00:07. Start it." {
		t.Fatalf("no restore: %s", got.Text)
	}
}

// TestTheVerdictActsOnTheServiceItNames: of two services, what to do is for the one that the
// finding is about.
func TestTheVerdictActsOnTheServiceItNames(t *testing.T) {
	one := stood(KindBackup, Result{State: ops.StateCritical}, 0)
	other := stood(KindBackup, Result{}, 0)
	other.Check.Service = "other"
	face := Face{Zone: time.UTC, Of: func(service string) Face { return Face{Backup: lang.M("Back up %s.", service)} }}
	got := Judge(Report{At: at(60), Standings: []Standing{other, one}}, face).Text.String()
	if want := "Back up " + one.Check.Service + "."; !strings.HasSuffix(got, want) {
		t.Errorf("%q, want %q at its end", got, want)
	}
}

func TestVerdict(t *testing.T) {
	face := CommandFace()
	face.Zone = time.UTC
	ok := stood(KindRedis, Result{}, 0)
	backup := stood(KindBackup, Result{Subject: at(-3600)}, 0)
	warn := stood(
		KindDisk,
		Result{State: ops.StateWarning, Headline: lang.M("disk %s is full", "/var"), Why: lang.M("4 %% free")},
		30,
	)
	warn.Check.Commands = []string{"df -h /var"}
	known := warn
	known.Last.Commands = []string{"df -h /srv/mysql"}
	down := stood(KindMySQL, Broken(lang.M("MySQL is down"), lang.M("refused")), 7)
	lost := stood(KindSchema, Result{State: ops.StateCritical, Headline: lang.M("all tables are gone"), Lost: true}, 7)
	before := down
	before.SinceBefore = true
	single := down
	single.History = single.History[1:]
	other := warn
	other.Check.Service = "other"
	late := stood(KindBackup, Result{State: ops.StateCritical, Headline: lang.M("there is no good backup")}, 0)
	late.History = nil
	for name, c := range map[string]struct {
		standings []Standing
		state     ops.State
		want      string
	}{
		"none":         {nil, ops.StateUnknown, "No checks are configured."},
		"well":         {[]Standing{ok, ok}, ops.StateOK, "All 2 checks pass."},
		"well, backup": {[]Standing{ok, backup}, ops.StateOK, "All 2 checks pass; newest good backup from 11:00:00."},
		"one":          {[]Standing{ok}, ops.StateOK, "The check passes."},
		"looking":      {[]Standing{ok, {}}, ops.StateUnknown, "Checking: 1 of 2 checks has finished."},
		"warning": {[]Standing{ok, warn}, ops.StateWarning, "Disk /var is full since 12:00:30 (4 % free). " +
			"More details: df -h /var"},
		"the look knows the folder": {[]Standing{ok, known}, ops.StateWarning, "Disk /var is full since 12:00:30 " +
			"(4 % free). More details: df -h /srv/mysql"},
		"critical first": {[]Standing{warn, down}, ops.StateCritical, "MySQL is down since 12:00:07 (refused); disk " +
			"/var is full since 12:00:30 (4 % free)."},
		"no restore of a server that is down": {[]Standing{backup, down}, ops.StateCritical,
			"MySQL is down since 12:00:07 (refused); newest good backup 1 h 1 m ago."},
		"restore of lost data": {[]Standing{backup, lost}, ops.StateCritical, "All tables are gone since " +
			"12:00:07; newest good backup 1 h 1 m ago. Run opsdeck restore."},
		"restore only with a backup": {[]Standing{lost}, ops.StateCritical, "All tables are gone since 12:00:07."},
		"not witnessed": {[]Standing{before}, ops.StateCritical, "MySQL is down since 12:00:07 or earlier " +
			"(refused)."},
		"single look": {[]Standing{single}, ops.StateCritical, "MySQL is down (refused)."},
		"services": {[]Standing{ok, other}, ops.StateWarning, "other: disk /var is full since " +
			"12:00:30 (4 % free). More details: df -h /var"},
		"many": {[]Standing{warn, warn, warn, warn, warn}, ops.StateWarning, ""},
		"no backup": {[]Standing{late}, ops.StateCritical, "There is no good backup. Run opsdeck " +
			"backup create."},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(Report{At: at(60), Standings: c.standings}, face)
			if got.State != c.state || c.want != "" && got.Text.String() != c.want {
				t.Errorf("%s: %s", got.State, got.Text)
			}
			if name == "many" && !strings.Contains(got.Text.String(), "3 more") {
				t.Errorf("the rest is not counted: %s", got.Text)
			}
		})
	}
}

// TestALogLineIsToldWithItsOwnTime, not since when the check is critical.
func TestALogLineIsToldWithItsOwnTime(t *testing.T) {
	quoting := Result{State: ops.StateCritical, Headline: lang.M("the service cannot reach its database"), Event: at(20)}
	s := stood(KindLog, quoting, 7)
	s.SinceBefore = true
	got := Judge(Report{At: at(200), Standings: []Standing{s}},
		Face{Zone: time.UTC, Look: lang.M("Look.")}).Text.String()
	want := "Critical error in the log at 12:00:20 (3 m ago): the service cannot reach its database. Look."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if moment, before := s.Moment(); !moment.Equal(at(20)) || before {
		t.Errorf("the moment is %v (before: %v)", moment, before)
	}
}

func TestVerdictLeavesOutWhatOnlyFollows(t *testing.T) {
	live := stood(KindHTTP, Broken(lang.M("%s fails", "/health"), lang.M("refused")), 7)
	ready := stood(KindHTTP, Broken(lang.M("%s fails", "/health/ready"), lang.M("refused")), 7)
	ready.Last.Follows = KindHTTP
	r := Report{At: at(60), Standings: []Standing{ready, live}}
	if got := Judge(r, Face{Zone: time.UTC}).Text.String(); got != "/health fails since 12:00:07 (refused)." {
		t.Error(got)
	}
	r.Standings = []Standing{ready, stood(KindHTTP, Result{}, 0)}
	if got := Judge(r, Face{Zone: time.UTC}).Text.String(); got != "/health/ready fails since 12:00:07 (refused)." {
		t.Errorf("alone it is not said: %s", got)
	}
}

// TestWhatKeepsEverythingElseUnknownComesFirst: while the login is refused no check of the
// data says anything and no backup can be made; that watch does not run is said after it.
func TestWhatKeepsEverythingElseUnknownComesFirst(t *testing.T) {
	refused := stood(KindMySQL, CannotTell(lang.M("MySQL refuses opsdeck's login"), lang.Raw("password")), 7)
	silent := stood(KindJob, Result{State: ops.StateWarning, Headline: lang.M("opsdeck watch is not running: no alerts " +
		"are sent")}, 7)
	got := Judge(Report{At: at(60), Standings: []Standing{silent, refused}}, Face{Zone: time.UTC})
	if want := "MySQL refuses opsdeck's login since 12:00:07"; got.State != ops.StateWarning ||
		!strings.HasPrefix(got.Text.String(), want) {
		t.Errorf("%s: %s", got.State, got.Text)
	}
}

// TestAStoppedProcessExplainsItsEndpoints: that they refuse connections says nothing new.
func TestAStoppedProcessExplainsItsEndpoints(t *testing.T) {
	process := stood(KindProcess, Broken(lang.M("process %s is stopped", "shop"), lang.Raw("heap")), 7)
	live := stood(KindHTTP, Broken(lang.M("%s fails", "/health"), lang.Raw("refused")), 7)
	got := Judge(Report{At: at(60), Standings: []Standing{live, process}}, Face{Zone: time.UTC}).Text.String()
	if got != "Process shop is stopped since 12:00:07 (heap)." {
		t.Error(got)
	}
}

// TestAQuotedLineIsCutAndNotTheNextStep: at 80 columns what to do next is seen.
func TestAQuotedLineIsCutAndNotTheNextStep(t *testing.T) {
	line := "[BankGateway] External API call failed: https://api.bank.example/v1/pay " +
		strings.Repeat("and so on ", 20) + ", in qianzhang-backend-error.log"
	log := stood(KindLog, Result{State: ops.StateCritical, Headline: lang.Raw(line), Event: at(20),
		Next: lang.M("Read more: %s", "press 2")}, 7)
	other := stood(KindBackup, Result{State: ops.StateWarning, Headline: lang.M("there is no good backup")}, 7)
	face := Face{Zone: time.UTC, Longest: 148}
	got := Judge(Report{At: at(60), Standings: []Standing{log, other}}, face).Text.String()
	if len([]rune(got)) > 148 || !strings.HasSuffix(got, "…; 1 more problem. Read more: press 2") ||
		!strings.Contains(got, "ago): [BankGateway] External API call failed: https://") {
		t.Errorf("%d: %s", len([]rune(got)), got)
	}
	face.Longest = 388 // 200 columns
	if got = Judge(Report{At: at(60), Standings: []Standing{log, other}}, face).Text.String(); !strings.Contains(got,
		"and so on and so on and so on and so on and so on") {
		t.Errorf("the room is not used: %s", got)
	}
	face.Longest = 36 // 40 columns, a line
	if got = Judge(Report{At: at(60), Standings: []Standing{log, other}}, face).Text.String(); !strings.HasPrefix(got,
		"12:00:20: [BankGateway] External") {
		t.Errorf("the cause is not what is seen: %s", got)
	}
}

func TestVerdictKeepsTheNextStepInSightWhenThereIsMuchToSay(t *testing.T) {
	long := func(kind Kind, since int) Standing {
		return stood(
			kind,
			Broken(lang.M("process %s is stopped", "qianzhang-backend"), lang.Raw(strings.Repeat("a long reason ", 8))),
			since,
		)
	}
	r := Report{At: at(60), Standings: []Standing{long(KindProcess, 7), long(KindRedis, 9), long(KindTLS, 9)}}
	r.Standings[0].Last.Why = lang.Raw("no daemon")
	got := Judge(r, Face{Zone: time.UTC, Look: lang.Raw("Press enter."), Longest: 148}).Text.String()
	want := "Process qianzhang-backend is stopped since 12:00:07 (no daemon); process qianzhang-backend is stopped " +
		"since 12:00:09; 1 more problem. Press enter."
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	r.Standings[0].Last.Why = lang.Raw(strings.Repeat("a long reason ", 12))
	got = Judge(r, Face{Zone: time.UTC, Look: lang.Raw("Press enter."), Longest: 148}).Text.String()
	if want = "Process qianzhang-backend is stopped since 12:00:07; 2 more problems. Press enter."; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestVerdictOverAnIdleServiceDoesNotTick(t *testing.T) {
	r := Report{At: at(60), Standings: []Standing{stood(KindBackup, Result{Subject: at(-3600)}, 0)}}
	first := Judge(r, CommandFace()).Text.String()
	r.At = at(3660)
	if later := Judge(r, CommandFace()).Text.String(); later != first {
		t.Fatalf("%q became %q", first, later)
	}
}

// await waits for a condition of the monitor's report.
func await(t *testing.T, m *Monitor, what string, ok func(Report) bool) Report {
	t.Helper()
	c, end := m.Signal()
	defer end()
	deadline := time.After(2 * time.Minute)
	for {
		if r := m.Report(); ok(r) {
			return r
		}
		select {
		case <-c:
		case <-deadline:
			t.Fatalf("never saw: %s; stands at %+v", what, m.Report())
		}
	}
}

func TestMonitorLooksSideBySideAndOneHangingCheckHoldsUpNone(t *testing.T) {
	block := make(chan struct{})
	var starts atomic.Int32
	hang := func(context.Context) Result { // does not keep to its context
		starts.Add(1)
		<-block
		return Result{}
	}
	ok := func(context.Context) Result { return Result{Detail: lang.M("fine")} }
	m := Watch(t.Context(), []Check{
		{Name: "hangs", Probe: hang, Timeout: 10 * time.Millisecond, Interval: time.Millisecond},
		{Name: "fine", Probe: ok, Interval: time.Millisecond},
	}, Options{Retry: time.Millisecond})
	defer m.Close()
	await(t, m, "the hanging check critical, the other with many looks", func(r Report) bool {
		return r.Standings[0].State == ops.StateCritical && len(r.Standings[0].History) > 3 &&
			len(r.Standings[1].History) > 20
	})
	if n := starts.Load(); n != 1 {
		t.Fatalf("%d looks piled up behind one that hangs", n)
	}
	close(block)
	await(t, m, "the hanging check well again", func(r Report) bool { return r.Standings[0].State == ops.StateOK })
}

func TestMonitorCloseWaitsForItsLooks(t *testing.T) {
	var running atomic.Int32
	m := Watch(t.Context(), []Check{{Name: "a", Probe: func(ctx context.Context) Result {
		running.Add(1)
		defer running.Add(-1)
		<-ctx.Done()
		return Result{}
	}}}, Options{})
	for running.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	m.Close()
	if running.Load() != 0 {
		t.Fatal("a look was under way after Close")
	}
}

// TestALookThatIsCutShortIsNotPublished lets a look end by the deadline of the
// whole watch, as a network read does: a moment before the context is over.
func TestALookThatIsCutShortIsNotPublished(t *testing.T) {
	for range 20 {
		synctest.Test(t, lookCutShort)
	}
}

func lookCutShort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	first := true
	m := Watch(ctx, []Check{{Name: "a", Interval: time.Millisecond, Probe: func(ctx context.Context) Result {
		if first {
			first = false
			return Result{State: ops.StateOK}
		}
		deadline, _ := ctx.Deadline()
		time.Sleep(time.Until(deadline) - timerSlack/2)
		return Result{State: ops.StateCritical}
	}}}, Options{})
	<-ctx.Done()
	m.Close()
	if state := m.Report().Standings[0].State; state != ops.StateOK {
		t.Fatalf("the check is %s after a look that was cut short", state)
	}
}

// TestOnASmallScreenTheVerdictIsTheFirstFindingAndWhatToDo: 40 columns, two lines.
func TestOnASmallScreenTheVerdictIsTheFirstFindingAndWhatToDo(t *testing.T) {
	gone := stood(KindSchema, Result{State: ops.StateCritical, Headline: lang.M("%d of %d tables of %s are missing", 1, 8,
		"sales"), Why: lang.Raw("the newest good backup has it: ar_payment_applications"), Lost: true, Down: true}, 7)
	backup := stood(KindBackup, Result{State: ops.StateWarning, Headline: lang.Raw("2 backups are bad"),
		Subject: at(-4000)}, 7)
	face := Face{Zone: time.UTC, Restore: lang.M("Press %s to restore.", "5"), Longest: 68}
	got := Judge(Report{At: at(60), Standings: []Standing{gone, backup}}, face).Text.String()
	if want := "1 of 8 tables of sales is missing. Press 5 to restore."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestALookThatHadItsOwnTimeCounts although the time for all looks ended a moment before.
func TestALookThatHadItsOwnTimeCounts(t *testing.T) { synctest.Test(t, ownTimeCounts) }

func ownTimeCounts(t *testing.T) {
	silent := Check{Name: "mysql", Timeout: 2 * time.Second, Probe: func(ctx context.Context) Result {
		<-ctx.Done()
		return Broken(lang.M("MySQL does not respond"), lang.Msg{})
	}}
	for whole, want := range map[time.Duration]ops.State{
		1950 * time.Millisecond: ops.StateCritical,
		200 * time.Millisecond:  ops.StateUnknown,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), whole)
		r := Once(ctx, []Check{silent}, nil)
		cancel()
		if got := r.Standings[0]; got.State != want {
			t.Errorf("after %s: %s %s, not %s", whole, got.State, got.Last.Detail, want)
		}
	}
}

func TestNowLooksWithoutWaitingForTheInterval(t *testing.T) {
	m := Watch(
		t.Context(),
		[]Check{{Name: "a", Probe: func(context.Context) Result { return Result{} }, Interval: time.Hour}},
		Options{},
	)
	defer m.Close()
	await(t, m, "the first look", func(r Report) bool { return len(r.Standings[0].History) == 1 })
	m.Now()
	await(t, m, "the second look", func(r Report) bool { return len(r.Standings[0].History) == 2 })
}

func TestUnconfirmedChangeIsLookedAtAgainSoon(t *testing.T) {
	var down atomic.Bool
	m := Watch(t.Context(), []Check{{Name: "a", Interval: time.Hour, Probe: func(context.Context) Result {
		if down.Load() {
			return Broken(lang.M("x"), lang.M("y"))
		}
		return Result{}
	}}}, Options{Retry: time.Millisecond})
	defer m.Close()
	await(t, m, "the first look", func(r Report) bool { return r.Standings[0].Seen() })
	down.Store(true)
	m.Now()
	await(
		t,
		m,
		"critical within one interval",
		func(r Report) bool { return r.Standings[0].State == ops.StateCritical },
	)
}

func TestPanicOfOneCheckIsItsOwnUnknown(t *testing.T) {
	r := Once(t.Context(), []Check{
		{Name: "bad", Probe: func(context.Context) Result { panic("boom") }},
		{Name: "good", Probe: func(context.Context) Result { return Result{} }},
	}, clocktest.New(noon))
	if r.Standings[0].State != ops.StateUnknown || r.Standings[1].State != ops.StateOK {
		t.Fatalf("%+v", r)
	}
	if got := r.Standings[0].Last.Detail.String(); !strings.Contains(got, "boom") {
		t.Fatalf("detail %q", got)
	}
}

func TestOnlyNamesChecksKindsAndServices(t *testing.T) {
	checks := []Check{
		{Service: "a", Name: "ready", Kind: KindHTTP},
		{Service: "a", Name: "mysql", Kind: KindMySQL},
		{Service: "b", Name: "mysql", Kind: KindMySQL},
	}
	for _, c := range []struct {
		names string
		want  int
	}{{"", 3}, {"mysql", 2}, {"a/mysql", 1}, {"http", 1}, {"b", 1}, {"ready b", 2}} {
		got, err := Only(checks, strings.Fields(c.names))
		if err != nil || len(got) != c.want {
			t.Errorf("%q: %d checks, %v", c.names, len(got), err)
		}
	}
	_, err := Only(checks, []string{"msyql"})
	var e *ops.Error
	if !errors.As(err, &e) || e.Code != ops.Usage || e.Hint.String() != "there are: ready, mysql" {
		t.Fatalf("err = %v", err)
	}
}

func TestFlightIsOneLookForAStormOfAskers(t *testing.T) {
	var looks atomic.Int32
	f := Flight[int]{TTL: time.Hour}
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			v, _, err := f.Do(t.Context(), func(context.Context) int {
				<-release
				return int(looks.Add(1))
			})
			if v != 1 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := looks.Load(); n != 1 {
		t.Fatalf("%d looks", n)
	}
}

func TestFlightGoesOnWhenItsFirstAskerLeaves(t *testing.T) {
	f := Flight[int]{TTL: time.Hour, Timeout: time.Hour}
	release := make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	look := func(ctx context.Context) int {
		select {
		case <-release:
			return 7
		case <-ctx.Done():
			return -1
		}
	}
	leave()
	if _, _, err := f.Do(ctx, look); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	close(release)
	if v, _, err := f.Do(t.Context(), look); v != 7 || err != nil {
		t.Fatalf("the second asker got %d, %v", v, err)
	}
}

func TestMedianLatency(t *testing.T) {
	s := Standing{History: []Sample{{Latency: 9}, {Latency: 1}, {Latency: 5}, {Latency: 100}, {Latency: 4}}}
	if got := s.MedianLatency(3); got != 5 {
		t.Fatalf("got %d", got)
	}
	if got := (Standing{}).MedianLatency(3); got != 0 {
		t.Fatalf("got %d", got)
	}
}

func TestADampedFailureDoesNotSpeakInAnOkRow(t *testing.T) {
	s := Standing{}.Next(Result{Detail: lang.M("up"), At: at(0)}, DefaultRule)
	s = s.Next(Result{State: ops.StateCritical, Detail: lang.M("MySQL is down"), At: at(1)}, DefaultRule)
	if got := s.Detail(DefaultRule).String(); s.State != ops.StateOK || got != "up · failure 1 of 3" {
		t.Errorf("%s: %s", s.State, got)
	}
	for i := range 2 {
		s = s.Next(Result{State: ops.StateCritical, Detail: lang.M("MySQL is down"), At: at(2 + i)}, DefaultRule)
	}
	if got := s.Detail(DefaultRule).String(); s.State != ops.StateCritical || got != "MySQL is down" {
		t.Errorf("%s: %s", s.State, got)
	}
}

func TestOneDiskIsOneFinding(t *testing.T) {
	disk := func(name, mount string) Standing {
		r := Result{State: ops.StateWarning, Headline: lang.M("disk %s is nearly full", mount)}
		r.Add("mount", mount, lang.Msg{})
		s := stood(KindDisk, r, 30)
		s.Check.Name = name
		return s
	}
	r := Report{
		At:        at(60),
		Standings: []Standing{disk("disk-data", "/"), disk("disk-log", "/"), disk("disk-backup", "/")},
	}
	if got := Judge(r, Face{Zone: time.UTC}).Text.String(); got != "Disk / is nearly full since 12:00:30." {
		t.Error(got)
	}
	r.Standings[2] = disk("disk-backup", "/b")
	if got := Judge(r, Face{Zone: time.UTC}).Text.String(); !strings.Contains(got, "/b") ||
		strings.Contains(got, "more") {
		t.Error(got)
	}
}

func TestTheAdviceOfARestoreEndsWithIt(t *testing.T) {
	stopped := Broken(lang.M("the process is stopped"), lang.Msg{})
	stopped.Next, stopped.Meanwhile = lang.M("Start it: x"), lang.M("Start nothing by hand.")
	process := stood(KindProcess, stopped, 7)
	restoring := stood(KindRestore, Result{State: ops.StateWarning}, 3)
	under := Report{At: at(60), Standings: []Standing{process, restoring}}
	if got := under.Next(&process).String(); got != "Start nothing by hand." {
		t.Error(got)
	}
	restoring.State = ops.StateOK
	over := Report{At: at(60), Standings: []Standing{process, restoring}}
	if got := over.Next(&process).String(); got != "Start it: x" {
		t.Error(got)
	}
}

func TestTheAdviceOfADeploymentEndsWithIt(t *testing.T) {
	stopped := Broken(lang.M("the process is stopped"), lang.Msg{})
	stopped.Next, stopped.Deploying = lang.M("Start it: x"), lang.M("Continue it: y")
	process := stood(KindProcess, stopped, 7)
	alone := Report{At: at(60), Standings: []Standing{process}}
	if got := alone.Next(&process).String(); got != "Continue it: y" {
		t.Error(got)
	}
	deploying := stood(KindDeploy, Result{State: ops.StateCritical, Headline: lang.M("a deployment stopped")}, 3)
	under := Report{At: at(60), Standings: []Standing{process, deploying}}
	if got := under.Next(&process).String(); got != "Continue it: y" {
		t.Error(got)
	}
	if got := Judge(under, Face{Zone: time.UTC}).Text.String(); !strings.HasPrefix(got, "A deployment stopped") {
		t.Error(got)
	}
	deploying.State = ops.StateOK
	over := Report{At: at(60), Standings: []Standing{process, deploying}}
	if got := over.Next(&process).String(); got != "Start it: x" {
		t.Error(got)
	}
}

// TestTheNextStepIsTheWorstFindingsOwn: what a lesser finding advised does not stay under the
// headline of a worse one, nor does a lesser one that comes later change it.
func TestTheNextStepIsTheWorstFindingsOwn(t *testing.T) {
	var r Result
	r.FindNext(ops.StateWarning, lang.M("it is not verified"), lang.Msg{}, lang.M("Verify it."))
	r.Find(ops.StateCritical, lang.M("it is old"), lang.Msg{})
	if got := r.Next.String(); got != "" {
		t.Errorf("%q under %q", got, r.Headline)
	}
	r.FindNext(ops.StateCritical, lang.M("there are two"), lang.Msg{}, lang.M("Count them."))
	if got := r.Next.String(); got != "" {
		t.Errorf("%q under %q", got, r.Headline)
	}
}

// A check without a result is no good news for whoever looks no further.
func TestToldIsUnknownWhereSomethingIsUnseen(t *testing.T) {
	seen := Standing{}.Next(Result{State: ops.StateOK, At: at(1)}, Rule{})
	if got := (Report{Standings: []Standing{seen}}).Told(); got != ops.StateOK {
		t.Errorf("everything seen: %v", got)
	}
	if got := (Report{Standings: []Standing{seen, {}}}).Told(); got != ops.StateUnknown {
		t.Errorf("one unseen: %v", got)
	}
}
