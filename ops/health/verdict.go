package health

import (
	"sort"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Verdict is the one sentence over all checks: the evidence, and what to do next.
type Verdict struct {
	State ops.State
	Text  lang.Msg
	Lead  string // the ID of the check that it speaks of first; "" if all is well
}

// Face is how the verdict speaks to who reads it: the console names keys, a
// command names commands.
type Face struct {
	Zone    *time.Location // times are shown in it; nil is local
	Restore lang.Msg       // a sentence: how to get to the restore
	Backup  lang.Msg       // how to make a backup
	Look    lang.Msg       // how to see more; empty: the check's first command
	Longest int            // cells that the sentence should take, where room is short; 0 is no bound
	// Of is the face for what was found of a service, where several are looked at; nil is
	// this one for all.
	Of func(service string) Face
}

// of is how the verdict speaks of a service.
func (f Face) of(service string) Face {
	if f.Of == nil {
		return f
	}
	return f.Of(service)
}

// CommandFace is the face of the commands.
func CommandFace() Face {
	return Face{Zone: time.Local, Restore: lang.M("Run opsdeck restore."), Backup: lang.M("Run opsdeck backup create.")}
}

// maxClauses is how many findings the sentence names; the rest it counts.
const maxClauses = 2

// Judge makes the verdict of a report.
func Judge(r Report, face Face) Verdict {
	if face.Zone == nil {
		face.Zone = time.Local
	}
	seen, bad := 0, []Standing{}
	for _, s := range r.Standings {
		if !s.Seen() {
			continue
		}
		seen++
		if s.State != ops.StateOK {
			bad = append(bad, s)
		}
	}
	switch {
	case len(r.Standings) == 0:
		return Verdict{State: ops.StateUnknown, Text: lang.M("No checks are configured.")}
	case len(bad) == 0 && seen < len(r.Standings):
		return Verdict{State: ops.StateUnknown,
			Text: lang.M("Checking: %d of %d checks have finished.", seen, len(r.Standings))}
	case len(bad) == 0:
		return Verdict{State: ops.StateOK, Text: allWell(r, face)}
	}
	bad = causes(bad)
	sort.SliceStable(bad, func(i, j int) bool { return before(bad[i], bad[j]) })
	state := worst(bad)
	sort.SliceStable(bad, func(i, j int) bool { return explains(bad[i]) && !explains(bad[j]) })
	j := judge{report: r, face: face, services: serviceCount(r)}
	return Verdict{state, In(j.sentence(bad), r.At, face.Zone), bad[0].Check.ID()}
}

// explains tells what is said first whatever else there is: while a restore or a
// deployment is under way the service is stopped on purpose, and what to do next is
// theirs to say.
func explains(s Standing) bool { return s.Check.Kind == KindRestore || s.Check.Kind == KindDeploy }

// causes leaves out what only follows from something else that is down or cannot be looked
// at.
func causes(bad []Standing) []Standing {
	down, stopped := map[string]bool{}, map[string]bool{}
	for _, s := range bad {
		if s.Check.Kind == KindProcess && s.Last.Down {
			stopped[s.Check.Service] = true
		}
		if (s.Last.Down || s.Last.State == ops.StateUnknown) && s.Last.Follows == "" {
			down[s.Check.Service+"/"+string(s.Check.Kind)] = true
		}
	}
	var out []Standing
	disks := map[string]bool{}
	for _, s := range bad {
		if disk := sameDisk(s); disk != "" {
			if disks[disk] {
				continue // one disk is one finding, however many folders are on it
			}
			disks[disk] = true
		}
		if s.Check.Kind == KindHTTP && s.Last.Down && stopped[s.Check.Service] {
			continue // a process that is stopped answers nothing
		}
		if s.Last.Follows == "" || !down[s.Check.Service+"/"+string(s.Last.Follows)] {
			out = append(out, s)
		}
	}
	return out
}

// sameDisk names a finding about a disk, "" for others.
func sameDisk(s Standing) string {
	mount, _ := s.Shown().Field("mount").(string)
	if s.Check.Kind != KindDisk || mount == "" {
		return ""
	}
	return s.State.String() + mount
}

// before puts what a person must care for first first.
func before(a, b Standing) bool {
	if x, y := urgency(a), urgency(b); x != y {
		return x > y
	}
	return weights[a.Check.Kind] < weights[b.Check.Kind]
}

// urgency is how urgent a finding is. While the database cannot be asked, nearly all else
// is unknown too, and no backup can be made: that is said before any warning.
func urgency(s Standing) ops.State {
	if s.Check.Kind == KindMySQL && s.State == ops.StateUnknown && s.Last.Follows == "" {
		return ops.StateWarning
	}
	return s.State
}

func worst(bad []Standing) (state ops.State) {
	for _, s := range bad {
		state = max(state, s.State)
	}
	return state
}

func serviceCount(r Report) int {
	names := map[string]bool{}
	for _, s := range r.Standings {
		names[s.Check.Service] = true
	}
	return len(names)
}

func allWell(r Report, face Face) lang.Msg {
	said := lang.M("all %d checks pass", len(r.Standings))
	if len(r.Standings) == 1 {
		said = lang.M("the check passes")
	}
	if b := newestBackup(r, ""); !b.IsZero() {
		// The moment, not the age: a sentence over an idle service must not tick.
		said = lang.M("%s; newest good backup from %s", said, moment(b, r.At, face.Zone))
	}
	return lang.Sentence(said)
}

// newestBackup is when the newest good backup was made, of one service or of
// all; zero when that is unknown or not well.
func newestBackup(r Report, service string) time.Time {
	var newest time.Time
	for _, s := range r.Standings {
		if s.Check.Kind == KindBackup && (service == "" || service == s.Check.Service) && s.Last.Subject.After(newest) {
			newest = s.Last.Subject
		}
	}
	return newest
}

// In puts a sentence's moments into words: every time.Time among its arguments,
// however deep, becomes a clock of today or a date, in the given zone. Results
// carry moments and not ages, so that what stands still reads the same.
func In(m lang.Msg, now time.Time, zone *time.Location) lang.Msg {
	if len(m.Args) == 0 {
		return m
	}
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		switch v := a.(type) {
		case time.Time:
			args[i] = moment(v, now, zone)
		case lang.Msg:
			args[i] = In(v, now, zone)
		default:
			args[i] = a
		}
	}
	return lang.Msg{Key: m.Key, Args: args}
}

// moment writes a time as short as it can be understood at now.
func moment(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2006-01-02 15:04")
}

type judge struct {
	report   Report
	face     Face
	services int
	bare     bool // the first finding alone, and what to do
	quote    int  // cells that a quoted log line may take; 0 is no bound
}

// sentence says as much as there is room for: all evidence, else that of the
// first finding alone, else the first finding and how many more there are, then
// without its evidence, at last with a log line cut: what to do next is never cut off.
func (j judge) sentence(bad []Standing) lang.Msg {
	var text lang.Msg
	for _, brief := range []struct{ clauses, reasons int }{{maxClauses, maxClauses}, {maxClauses, 1}, {1, 1}, {1, 0}} {
		text = j.say(bad, brief.clauses, brief.reasons)
		if j.face.Longest <= 0 || cells.Width(In(text, j.report.At, j.face.Zone).String()) <= j.face.Longest {
			return text
		}
	}
	if j.face.Longest < shortest { // how many more there are is on the page
		j.bare = true
		text = j.say(bad, 1, 0)
	}
	over := cells.Width(In(text, j.report.At, j.face.Zone).String()) - j.face.Longest
	if over <= 0 {
		return text
	}
	if first := bad[0].Shown(); quoting(first) {
		j.quote = max(leastQuote, cells.Width(first.Headline.String())-over)
		text = j.say(bad, 1, 0)
	}
	return text
}

// shortest is the room below which a log line is told without what it is.
const shortest = 80

// leastQuote is how many cells of a quoted log line are left where room is short.
const leastQuote = 24

// quoting tells of a finding whose headline is a line of a log.
func quoting(r Result) bool { return !r.Event.IsZero() && r.Why.Empty() && !r.Headline.Empty() }

// say joins the first clauses, the first of them with their reasons.
func (j judge) say(bad []Standing, clauses, reasons int) lang.Msg {
	said := j.clause(bad[0], reasons > 0)
	for i := 1; i < min(len(bad), clauses); i++ {
		said = lang.M("%s; %s", said, j.clause(bad[i], i < reasons))
	}
	if more := len(bad) - clauses; more > 0 && !j.bare {
		said = lang.M("%s; %d more problems", said, more)
	}
	first := bad[0]
	backup := newestBackup(j.report, first.Check.Service)
	lost := first.State == ops.StateCritical && first.Shown().Lost
	down := first.State == ops.StateCritical && first.Check.Kind == KindMySQL && first.Shown().Down
	if (lost || down) && !backup.IsZero() && !j.bare {
		said = lang.M("%s; newest good backup %s ago", said, age(j.report.At.Sub(backup)))
	}
	text := lang.Sentence(said)
	if j.services > 1 { // a service's name keeps its small letter
		text = lang.M("%s.", said)
	}
	next := j.next(first, lost && !backup.IsZero())
	if server := serverDown(bad, first); server != nil {
		next = j.next(*server, false)
	}
	if !next.Empty() {
		text = lang.M("%s %s", text, next)
	}
	return text
}

// serverDown is the MySQL server that is down while a restore of its service is running:
// the restore cannot continue before somebody starts it.
func serverDown(bad []Standing, first Standing) *Standing {
	if first.Check.Kind != KindRestore {
		return nil
	}
	for i, s := range bad {
		if s.Check.Kind == KindMySQL && s.Check.Service == first.Check.Service && s.Shown().Down {
			return &bad[i]
		}
	}
	return nil
}

// age is to the minute, so that the sentence changes once a minute at most.
func age(d time.Duration) string {
	if d >= time.Minute {
		d = d.Truncate(time.Minute)
	}
	return human.Duration(d)
}

func (j judge) clause(s Standing, reason bool) lang.Msg {
	shown := s.Shown()
	said, why := shown.Headline, shown.Why
	if said.Empty() {
		said = lang.M("%s is %s", s.Check.Name, s.State.Label())
		why = shown.Detail
	}
	if j.quote > 0 && quoting(shown) {
		said = lang.Raw(cells.Cut(said.String(), j.quote))
	}
	if !shown.Event.IsZero() { // it happened then; nothing has lasted since
		ago := age(max(0, j.report.At.Sub(shown.Event)))
		at := moment(shown.Event, j.report.At, j.face.Zone)
		switch {
		case j.face.Longest > 0 && j.face.Longest < shortest: // the mark says how grave it is
			said = lang.M("%s: %s", at, said)
		case shown.Lesser:
			said = lang.M("error in the log at %s (%s ago): %s", at, ago, said)
		default:
			said = lang.M("critical error in the log at %s (%s ago): %s", at, ago, said)
		}
	}
	if j.services > 1 {
		said = lang.M("%s: %s", s.Check.Service, said)
	}
	if at := j.since(s); at != "" {
		if s.SinceBefore {
			said = lang.M("%s since %s or earlier", said, at)
		} else {
			said = lang.M("%s since %s", said, at)
		}
	}
	if reason && !why.Empty() {
		said = lang.M("%s (%s)", said, why)
	}
	return said
}

// since is empty where it would only say that the look was just now.
func (j judge) since(s Standing) string {
	if j.bare {
		return ""
	}
	if len(s.History) < 2 || !s.Shown().Event.IsZero() {
		return ""
	}
	return moment(s.Since, j.report.At, j.face.Zone)
}

// Next is what a check itself says to do first, as things are now: while a restore or
// a deployment is under way something else than after it. It may be empty.
func (r Report) Next(s *Standing) lang.Msg {
	shown := s.Shown()
	if !shown.Meanwhile.Empty() && r.underWay(KindRestore, s.Check.Service, shown.Restoring) {
		return shown.Meanwhile
	}
	if !shown.Deploying.Empty() && r.underWay(KindDeploy, s.Check.Service, true) {
		return shown.Deploying
	}
	return shown.Next
}

// underWay tells whether a restore or a deployment of the service is under way now.
// Where the check of them is not among those looked at, what another look saw decides.
func (r Report) underWay(kind Kind, service string, seen bool) bool {
	looked := false
	for _, s := range r.Standings {
		if s.Check.Kind != kind || s.Check.Service != service || !s.Seen() {
			continue
		}
		if looked = true; s.State != ops.StateOK {
			return true
		}
	}
	return !looked && seen
}

func (j judge) next(s Standing, restore bool) lang.Msg {
	face := j.face.of(s.Check.Service)
	switch own := j.report.Next(&s); {
	case !own.Empty():
		return own
	case restore && face.Longest == 0 && !s.Shown().Alone.Empty():
		return s.Shown().Alone
	case restore:
		return face.Restore
	case s.Check.Kind == KindBackup:
		return face.Backup
	case !face.Look.Empty():
		return face.Look
	case len(s.Commands()) > 0:
		return lang.M("More details: %s", s.Commands()[0])
	}
	return lang.Msg{}
}
