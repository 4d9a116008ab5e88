package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/site/audits"
)

// auditSource opens the audit table of the service that a command is about.
func (a *app) auditSource(ctx context.Context) (*audits.Table, error) {
	s, err := a.chosen()
	if err != nil {
		return nil, err
	}
	return audits.OpenTable(ctx, s)
}

// leave asks for what would read much, and shows what is learnt of the table.
func (a *app) leave(ctx context.Context, yes bool) audits.Leave {
	return audits.Leave{
		Yes:      yes,
		Agrees:   func(what, advice lang.Msg) bool { return a.agrees(ctx, what, advice) },
		Progress: a.showWork,
	}
}

// agrees asks a person at a terminal; nobody there means no.
func (a *app) agrees(ctx context.Context, what, advice lang.Msg) bool {
	if !a.atTerminal() {
		return false
	}
	a.note(what)
	if !advice.Empty() {
		a.note(advice)
	}
	return a.saysYes(ctx, lang.M("Continue? [y/N]"))
}

// auditFilter are the flags that choose rows.
type auditFilter struct {
	User     string `placeholder:"U" help:"Rows of this user: an id, or a name where the table has names."`
	Action   string `placeholder:"A" help:"Rows with this action; separate several with commas."`
	Resource string `placeholder:"TYPE[:ID]" help:"Rows of this type of resource, or of one resource."`
	Since    string `placeholder:"T" help:"From this time on: 24h ago, 2026-01-29, 2026-01-29T10:30, yesterday 14:00, monday."`
	Until    string `placeholder:"T" help:"Before this time; a day or month is included whole."`
}

// parse makes one filter of the flags and a query line.
func (f auditFilter) parse(a *app, l *audit.Layout, query []string) (audit.Filter, error) {
	if len(query) > 0 && query[0] == "ago" { // --since 24h ago, without quotes
		for _, t := range []*string{&f.Since, &f.Until} {
			if *t != "" {
				*t, query = *t+" ago", query[1:]
				break
			}
		}
	}
	line := strings.Join(query, " ")
	for _, flag := range []struct{ key, value string }{{"user", f.User}, {"action", f.Action}, {"resource",
		f.Resource}, {"since", f.Since}, {"until", f.Until}} {
		if flag.value != "" {
			line = strings.TrimSpace(line + " " + audit.TermOf(flag.key, flag.value))
		}
	}
	filter, err := audit.Syntax{Layout: l, Now: a.clock.Now(), Zone: time.Local}.Parse(line)
	var q *audit.QueryError
	if errors.As(err, &q) {
		return filter, q.Explain(line)
	}
	return filter, err
}

// auditTable writes rows for people.
func auditTable(a *printer, l *audit.Layout, rows []audit.Row) {
	head := []string{a.lang.T("id"), a.lang.T("time"), a.lang.T("user"), a.lang.T("action"), a.lang.T("resource")}
	if l.Has(audit.IP) {
		head = append(head, "IP")
	}
	t := cells.Table{Head: append(head, a.lang.T("change")), Right: []int{0}, Max: a.width()}
	for i := range rows {
		r := &rows[i]
		cols := []string{
			clean(r.Name()),
			a.when(r.Time),
			clean(r.User()),
			clean(r.Get(audit.Action)),
			clean(r.Resource()),
		}
		if l.Has(audit.IP) {
			cols = append(cols, clean(r.Get(audit.IP)))
		}
		t.Rows = append(t.Rows, append(cols, a.drawn(shortened(clean(audit.Brief(audit.Diff(r), 3))))))
	}
	fmt.Fprint(a.out, t)
}

// maxChange is how many bytes of one change a list prints: a response may be megabytes.
const maxChange = 4096

// shortened is a text of a list, with what was left out of it named.
func shortened(s string) string {
	if len(s) <= maxChange {
		return s
	}
	end := maxChange
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end]) + "… +" + human.Bytes(int64(len(s)-end))
}

func clean(s string) string { return termsafe.Line(audit.Mask(s)) }

func (a *printer) when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

var errNoRows = ops.E(ops.Usage, lang.M("--limit must be at least 1"))
