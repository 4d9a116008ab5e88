package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/audit"
	"opsdeck/ops/health"
)

// AuditLog is an open audit table.
type AuditLog interface {
	Layout() *audit.Layout
	Page(ctx context.Context, req audit.PageRequest) (audit.Page, error)
	After(ctx context.Context, f audit.Filter, top audit.Pos, limit int) ([]audit.Row, error)
	Close()
}

// AuditWindow is the window of an audit rule that names none.
const AuditWindow = time.Minute

const (
	auditPace    = 3
	auditTimeout = 10 * time.Second
	auditPage    = 2000
	auditMost    = 100_000          // rows read back at the start at most
	auditHeld    = 30 * time.Second // what was found is told for so long at least
	auditBack    = 24 * time.Hour   // so far back is looked after a pause at most
	auditOverlap = 256              // ids by which rows committed late are known again
)

// audits are the rules of the configuration over audit rows.
func (b *checker) audits() {
	var rules []*auditRule
	for _, r := range b.Service.Alerts.Rules {
		if r.Audit != "" {
			rules = append(rules, newAuditRule(r))
		}
	}
	if len(rules) == 0 || b.OpenAudit == nil {
		return
	}
	follow := &auditFollower{Source: b.Source, rules: rules}
	for _, r := range rules {
		b.add(r.conf.Name, health.KindAudit, auditPace, func(ctx context.Context) health.Result {
			return follow.judge(ctx, r)
		}, r.limits(), "opsdeck audit list "+human.Shell(r.conf.Audit))
		b.checks[len(b.checks)-1].Timeout = auditTimeout
	}
}

// auditRule counts the rows that fit a query, by who did them.
type auditRule struct {
	conf   config.AlertRule
	window time.Duration
	count  int
	hours  alert.Hours
	filter audit.Filter
	deeds  []audit.Deed
	found  audit.Burst
	until  time.Time // found is told until then
}

func newAuditRule(r config.AlertRule) *auditRule {
	one := &auditRule{conf: r, window: r.Window, count: max(r.Count, 1)}
	if one.window == 0 {
		one.window = AuditWindow
	}
	one.hours, _ = alert.ParseHours(r.Hours) // checked when it was loaded
	return one
}

func (r *auditRule) limits() []health.Limit {
	over := lang.M("%d in %s", r.count, human.Duration(r.window))
	if r.conf.Severity == "warning" {
		return limits(lang.M("audit rows"), over, lang.Msg{})
	}
	return limits(lang.M("audit rows"), lang.Msg{}, over)
}

// who is whom a row counts for.
func (r *auditRule) who(row *audit.Row) string {
	switch r.conf.By {
	case "all":
		return ""
	case "ip":
		return row.Get(audit.IP)
	}
	return row.User()
}

// take counts a row where it fits. Those up to since were judged before.
func (r *auditRule) take(l *audit.Layout, row *audit.Row, zone *time.Location, since time.Time) {
	if row.Time.IsZero() || !r.filter.Accept(l, row) {
		return
	}
	if r.hours != (alert.Hours{}) && !r.hours.Holds(row.Time.In(zone)) {
		return
	}
	r.deeds = append(r.deeds, audit.Deed{At: row.Time, Who: r.who(row), New: row.Time.After(since)})
}

// auditFollower reads the rows as they come, once for all rules.
type auditFollower struct {
	Source
	rules []*auditRule

	mu     sync.Mutex
	log    AuditLog
	ready  bool // the rows of before were read
	top    audit.Pos
	newest time.Time          // of the rows, by the server's clock
	seen   map[audit.Pos]bool // the newest rows
	since  time.Time          // rows up to then were judged by an earlier watch
	read   time.Time
	marked time.Time
	err    error
}

// judge reads what came and says what a rule finds.
func (f *auditFollower) judge(ctx context.Context, r *auditRule) health.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pace := auditPace * f.Service.Health.Interval; f.read.IsZero() || time.Since(f.read) > pace/2 {
		f.err = f.readOn(ctx)
		f.read = time.Now()
	}
	if f.err != nil {
		out := cannot(lang.M("cannot read the audit rows"), f.err)
		out.Follows = health.KindMySQL
		return out
	}
	return r.result()
}

func (r *auditRule) result() health.Result {
	out := health.Result{Detail: lang.M("audit rows within %s: at most %d", human.Duration(r.window), r.found.Rows)}
	out.Add("rows", r.found.Rows, lang.Msg{})
	if !time.Now().Before(r.until) {
		return out
	}
	state := ops.StateCritical
	if r.conf.Severity == "warning" {
		state = ops.StateWarning
	}
	b := r.found
	from := b.From.Local().Format("2006-01-02 15:04:05")
	to := b.To.Local().Format("15:04:05")
	head := lang.M("audit rows of %s: %d, %s to %s", r.name(b.Who), b.Rows, from, to)
	if b.Others > 0 {
		head = lang.M("audit rows of %s: %d, %s to %s; of other users: %d", r.name(b.Who), b.Rows, from, to, b.Others)
	}
	out.Find(state, head, lang.Raw(r.conf.Audit))
	query := r.conf.Audit + " since:" + b.From.Local().Format("2006-01-02T15:04:05")
	out.Next = lang.M("See them: %s", "opsdeck audit list "+human.Shell(query))
	return out
}

func (r *auditRule) name(who string) string {
	switch {
	case r.conf.By == "all":
		return "*"
	case who == "":
		return "?"
	}
	return who
}

// readOn reads the rows that came since, and judges.
func (f *auditFollower) readOn(ctx context.Context) error {
	if f.log == nil {
		if err := f.open(ctx); err != nil {
			return err
		}
	}
	for {
		rows, err := f.log.After(ctx, audit.Filter{}, f.top, auditPage)
		if err != nil {
			f.close()
			return err
		}
		before := f.top
		for i := range rows {
			f.take(&rows[i])
		}
		if len(rows) < auditPage || f.top == before {
			break
		}
	}
	f.forget()
	f.conclude()
	return nil
}

// open opens the table and reads what the windows reach back to.
func (f *auditFollower) open(ctx context.Context) error {
	log, err := f.OpenAudit(ctx)
	if err != nil {
		return err
	}
	now := f.Now()
	for _, r := range f.rules {
		r.filter, err = audit.Syntax{Layout: log.Layout(), Now: now, Zone: now.Location()}.Parse(r.conf.Audit)
		var bad *audit.QueryError
		if errors.As(err, &bad) {
			err = ops.E(ops.Config, lang.M("the rule %s: %s", r.conf.Name, bad.Msg))
		}
		if err != nil {
			log.Close()
			return err
		}
	}
	f.log = log
	if f.ready {
		return nil
	}
	f.top = audit.Pos{At: audit.NoStamp}
	f.seen = map[audit.Pos]bool{}
	if err := f.back(ctx); err != nil {
		f.close()
		return err
	}
	f.ready = true
	f.since = time.Time{} // what comes is new, however late
	return nil
}

// back reads the newest rows, back to where the rules' windows begin.
func (f *auditFollower) back(ctx context.Context) error {
	longest := time.Duration(0)
	for _, r := range f.rules {
		longest = max(longest, r.window)
		r.deeds = nil
	}
	now := f.Now()
	f.since = now.Add(-longest)
	if at, ok := readMark(f.Mark); ok && at.Before(now) {
		f.since = at
	}
	if now.Sub(f.since) > auditBack {
		f.since = now.Add(-auditBack)
	}
	from := f.since.Add(-longest)
	req := audit.PageRequest{Before: audit.Newest(), Limit: auditPage, Unproved: true}
	var all []audit.Row
	for len(all) < auditMost {
		p, err := f.log.Page(ctx, req)
		if err != nil {
			return err
		}
		all = append(all, p.Rows...)
		if !p.More || allBefore(p.Rows, from) {
			break
		}
		req.Before = p.Next
	}
	for i := range slices.Backward(all) {
		f.take(&all[i])
	}
	return nil
}

func allBefore(rows []audit.Row, from time.Time) bool {
	return !slices.ContainsFunc(rows, func(r audit.Row) bool { return r.Time.After(from) })
}

// take gives a row to the rules, once.
func (f *auditFollower) take(row *audit.Row) {
	pos := row.Pos()
	if f.seen[pos] {
		return
	}
	f.seen[pos] = true
	if f.newer(pos) {
		f.top = pos
	}
	if row.Time.After(f.newest) {
		f.newest = row.Time
	}
	for _, r := range f.rules {
		r.take(f.log.Layout(), row, f.Now().Location(), f.since)
	}
}

// newer tells whether a place is beyond the newest: by its number where rows have one.
func (f *auditFollower) newer(pos audit.Pos) bool {
	if f.log.Layout().Numbered() {
		return pos.ID > f.top.ID
	}
	return f.top.Less(pos)
}

// forget drops the places that no overlap reaches.
func (f *auditFollower) forget() {
	numbered := f.log.Layout().Numbered()
	for pos := range f.seen {
		far := f.top.At-pos.At > audit.Stamp(time.Minute/time.Microsecond)
		if numbered {
			far = pos.ID < f.top.ID-auditOverlap
		}
		if far {
			delete(f.seen, pos)
		}
	}
}

// conclude judges the windows that hold what came since the last time.
func (f *auditFollower) conclude() {
	for _, r := range f.rules {
		b, is := audit.Most(r.deeds, r.window, r.count)
		switch {
		case is:
			r.found = b
			r.until = time.Now().Add(max(auditHeld, 2*auditPace*f.Service.Health.Interval))
		case !time.Now().Before(r.until):
			r.found = r.lately(f.newest)
		}
		for i := range r.deeds {
			r.deeds[i].New = false
		}
		r.deeds = slices.DeleteFunc(r.deeds, func(d audit.Deed) bool {
			return f.newest.Sub(d.At) > 2*r.window
		})
	}
	if f.Mark != "" && time.Since(f.marked) > markEvery {
		f.marked = time.Now()
		writeMark(f.Mark, f.newest.Add(-markBack)) // what was found may not be kept yet
	}
}

// lately is the most within the window that ends now.
func (r *auditRule) lately(now time.Time) audit.Burst {
	var some []audit.Deed
	for _, d := range r.deeds {
		if now.Sub(d.At) < r.window {
			some = append(some, audit.Deed{At: d.At, Who: d.Who, New: true})
		}
	}
	b, _ := audit.Most(some, r.window, 1)
	return b
}

const (
	markEvery = 10 * time.Second
	markBack  = time.Minute
)

// readMark reads up to when the rows were judged, by the server's clock.
func readMark(path string) (at time.Time, ok bool) {
	if path == "" {
		return at, false
	}
	text, err := regular.ReadFile(path)
	if err != nil {
		return at, false
	}
	at, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	return at, err == nil
}

// writeMark keeps it. Where that fails, a later start judges the newest rows alone.
func writeMark(path string, at time.Time) {
	_ = atomicfile.WriteBytes(path, 0o600, []byte(at.Format(time.RFC3339Nano)+"\n"))
}

func (f *auditFollower) close() {
	if f.log != nil {
		f.log.Close()
		f.log = nil
	}
}
