package alerts

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
)

// StateText is the state of a rule, for people.
func (r Rule) StateText(l *lang.Printer) string {
	switch {
	case r.Off:
		return l.T("off")
	case r.State == "":
		return "-"
	}
	return l.Msg(r.State.Label())
}

// When says when a rule fires.
func (r Rule) When(l *lang.Printer) string {
	query := termsafe.Line(r.Query)
	switch r.Kind {
	case "log":
		return l.T("%d in %s: %s", r.Count, human.Duration(r.Window), query)
	case "audit":
		return r.auditWhen(l, query)
	}
	return l.T("check")
}

// auditWhen says when a rule over audit rows fires.
func (r Rule) auditWhen(l *lang.Printer, query string) string {
	window := human.Duration(r.Window)
	if r.Hours != "" {
		query += " " + r.Hours
	}
	switch r.By {
	case "ip":
		return l.T("audit, %d in %s by one IP address: %s", r.Count, window, query)
	case "all":
		return l.T("audit, %d in %s: %s", r.Count, window, query)
	}
	return l.T("audit, %d in %s by one user: %s", r.Count, window, query)
}
