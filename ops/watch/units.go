package watch

import (
	"fmt"
	"strconv"
	"strings"
)

// Unit is a file to be installed.
type Unit struct {
	Name string // base name
	Text string
}

// Plan is what has to be installed for a service: jobs by their cron schedules,
// run by a command.
type Plan struct {
	Service string
	Jobs    []Planned
	Command []string // opsdeck and its arguments; the job's name is added
	// Follow is the command that runs all the time, as a service; nil for none. Fetch is
	// what cron runs every ten minutes in its place.
	Follow []string
	Fetch  []string
}

// Planned is one job of a plan.
type Planned struct {
	Name  string // "daily"
	Cron  string // five fields
	About string
}

// UnitName is the name of a job's units without their suffix.
func (p Plan) UnitName(job string) string { return "opsdeck-" + plainUnit(p.Service) + "-" + job }

// plainUnit leaves what systemd allows in a unit's name.
func plainUnit(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, s)
}

// DueJob is the name of the unit that runs what is due and was not run: a run that
// failed, was refused because something else held the lock, or whose hour the clocks
// jumped over.
const DueJob = "due"

// Systemd writes a service and a timer for each job, and one that looks every ten
// minutes for what failed or was missed. Persistent makes up for missed runs.
func (p Plan) Systemd() (units []Unit, err error) {
	for _, j := range p.Jobs {
		times, err := onCalendar(j.Cron)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", j.Name, err)
		}
		name := p.UnitName(j.Name)
		service := "[Unit]\nDescription=opsdeck: " + unitText(
			j.About+" of "+p.Service,
		) + "\nAfter=network-online.target\nWants=network-online.target\n\n" +
			"[Service]\nType=oneshot\nExecStart=" + p.line(j.Name,
			unitWord) + "\nNice=10\nIOSchedulingClass=best-effort\nIOSchedulingPriority=7\nUMask=0077\n"
		timer := "[Unit]\nDescription=opsdeck: when to run the " + unitText(j.About+" of "+p.Service) + "\n\n[Timer]\n"
		for _, t := range times {
			timer += "OnCalendar=" + t + "\n"
		}
		timer += "Persistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
		units = append(units, Unit{name + ".service", service}, Unit{name + ".timer", timer})
	}
	if len(p.Jobs) > 0 {
		units = append(units, p.due()...)
	}
	if p.Follow != nil {
		units = append(units, p.follow())
	}
	return units, nil
}

// FollowJob is the name of the unit that archives the binary log.
const FollowJob = "binlog"

// follow is a service that runs until it is stopped. It is started again whatever it ends
// with, but for a mistake in the command or the configuration (64, 78): that it waits for
// the server, or for another follower's lock (75), is no reason to stop.
func (p Plan) follow() Unit {
	text := "[Unit]\nDescription=opsdeck: " + unitText("archive of the binary log of "+p.Service) +
		"\nAfter=network-online.target\nWants=network-online.target\nStartLimitIntervalSec=0\n\n" +
		"[Service]\nType=simple\nExecStart=" + words(p.Follow, unitWord) +
		"\nRestart=always\nRestartSec=5\nRestartPreventExitStatus=64 78\nKillSignal=SIGINT\nUMask=0077\n\n" +
		"[Install]\nWantedBy=default.target\n"
	return Unit{p.UnitName(FollowJob) + ".service", text}
}

func words(command []string, word func(string) string) string {
	out := make([]string, len(command))
	for i, w := range command {
		out[i] = word(w)
	}
	return strings.Join(out, " ")
}

// due is the unit of DueJob. That another run holds the lock (75) is no failure of it.
func (p Plan) due() []Unit {
	name := p.UnitName(DueJob)
	about := unitText("what is due of " + p.Service)
	service := "[Unit]\nDescription=opsdeck: " + about +
		"\nAfter=network-online.target\nWants=network-online.target\n\n" +
		"[Service]\nType=oneshot\nExecStart=" + p.line("", unitWord) + "\nSuccessExitStatus=75\n" +
		"Nice=10\nIOSchedulingClass=best-effort\nIOSchedulingPriority=7\nUMask=0077\n"
	timer := "[Unit]\nDescription=opsdeck: when to look for " + about + "\n\n[Timer]\n" +
		"OnCalendar=*-*-* *:05/10:00\nAccuracySec=1min\n\n[Install]\nWantedBy=timers.target\n"
	return []Unit{{name + ".service", service}, {name + ".timer", timer}}
}

func (p Plan) line(job string, word func(string) string) string {
	words := make([]string, 0, len(p.Command)+1)
	for _, w := range p.Command {
		words = append(words, word(w))
	}
	if job != "" {
		words = append(words, word(job))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func unitText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ReplaceAll(s, "%", "%%"))
}

// unitWord writes a word of ExecStart: systemd expands % and $ in it.
func unitWord(s string) string {
	s = strings.NewReplacer("%", "%%", "$", "$$").Replace(s)
	if s == "" || strings.ContainsAny(s, " \t\n\"'\\;") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
	}
	return s
}

// cronWord writes a word of a crontab's command: % ends it there.
func cronWord(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n\"'\\;&|<>$`*?()#~%") {
		s = "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return strings.ReplaceAll(s, "%", `\%`)
}

func (p Plan) marks() (begin, end string) {
	return "# BEGIN opsdeck " + plainUnit(p.Service), "# END opsdeck " + plainUnit(p.Service)
}

// Crontab puts the jobs into a crontab: one line that every ten minutes runs
// what is due, missed runs too. Calling it again changes nothing; without jobs
// it takes the lines out.
func (p Plan) Crontab(old string) string {
	begin, end := p.marks()
	var out []string
	inside := false
	for _, l := range strings.Split(strings.TrimRight(old, "\n"), "\n") {
		switch {
		case l == begin:
			inside = true
		case l == end:
			inside = false
		case !inside:
			out = append(out, l)
		}
	}
	if len(out) == 1 && out[0] == "" {
		out = nil
	}
	if len(p.Jobs) > 0 {
		out = append(out, begin, "*/10 * * * * "+p.line("", cronWord))
		if p.Fetch != nil {
			out = append(out, "*/10 * * * * "+words(p.Fetch, cronWord))
		}
		out = append(out, end)
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "\n") + "\n"
}

// Installed tells whether a crontab holds the plan's line.
func (p Plan) Installed(crontab string) bool {
	begin, _ := p.marks()
	return strings.Contains("\n"+crontab, "\n"+begin+"\n")
}

// onCalendar turns a cron schedule into systemd's: two of them where both the
// day of the month and the day of the week are bound, for cron means either.
func onCalendar(cron string) ([]string, error) {
	f := strings.Fields(cron)
	if len(f) != 5 {
		return nil, fmt.Errorf("schedule %q has %d fields, not 5", cron, len(f))
	}
	minute, err1 := span(f[0], 0, 59, nil)
	hour, err2 := span(f[1], 0, 23, nil)
	day, err3 := span(f[2], 1, 31, nil)
	month, err4 := span(f[3], 1, 12, months)
	week, err5 := span(f[4], 0, 7, weekdays)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", cron, err)
		}
	}
	clock := " " + list(hour) + ":" + list(minute) + ":00"
	names := make([]string, 0, 7)
	for _, d := range week {
		names = append(names, [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}[d])
	}
	byWeek := strings.Join(names, ",") + " *-" + list(month) + "-*" + clock
	byDay := "*-" + list(month) + "-" + list(day) + clock
	switch {
	case week == nil:
		return []string{byDay}, nil
	case day == nil:
		return []string{byWeek}, nil
	}
	return []string{byDay, byWeek}, nil
}

var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// span is the values of a field; nil is all of them.
func span(field string, low, high int, names []string) (values []int, err error) {
	if field == "*" || field == "?" {
		return nil, nil
	}
	for _, part := range strings.Split(field, ",") {
		what, by, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			if step, err = strconv.Atoi(by); err != nil || step < 1 {
				return nil, fmt.Errorf("step %q", by)
			}
		}
		from, to := low, high
		if what != "*" {
			a, b, ranged := strings.Cut(what, "-")
			if from, err = number(a, low, high, names); err != nil {
				return nil, err
			}
			if ranged {
				if to, err = number(b, low, high, names); err != nil {
					return nil, err
				}
			} else if !stepped {
				to = from
			}
		}
		for v := from; v <= to; v += step {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("field %q holds nothing", field)
	}
	return values, nil
}

func number(s string, low, high int, names []string) (int, error) {
	for i, n := range names {
		if strings.EqualFold(s, n) {
			return i + low, nil
		}
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < low || v > high {
		return 0, fmt.Errorf("%q is not between %d and %d", s, low, high)
	}
	return v, nil
}

func list(values []int) string {
	if values == nil {
		return "*"
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprintf("%02d", v)
	}
	return strings.Join(words, ",")
}
