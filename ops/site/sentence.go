package site

import (
	"context"
	"errors"
	"strings"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/trust"
	"opsdeck/ops"
)

// sentence is what happened, with the cause behind it, safe to show.
func Sentence(p *lang.Printer, e *ops.Error) string {
	s := p.Msg(e.What)
	if e.Err != nil && !errors.Is(e.Err, context.Canceled) && !givesReason(e.What) && !says(s, e.Err.Error()) {
		s = p.T("%s (%s)", s, e.Err.Error())
	}
	return termsafe.Text(redact.Text(s))
}

// givesReason tells whether a sentence ends with the reason in words for people,
// as "… cannot be reached (no answer in time)" does: the cause's own words would
// only say it again.
func givesReason(m lang.Msg) bool {
	if len(m.Args) == 0 || !strings.HasSuffix(m.Key, "(%s)") {
		return false
	}
	_, is := m.Args[len(m.Args)-1].(lang.Msg)
	return is
}

// says tells whether a sentence gives the reason, the last part of a cause,
// already: "connection refused" need not be said twice.
func says(sentence, cause string) bool {
	return strings.Contains(sentence, strings.TrimSpace(cause[strings.LastIndex(cause, ": ")+1:]))
}

// FullDisk says which disk is full and what to do; nil where err is of something else, or
// names no file.
func FullDisk(err error) *ops.Error {
	dir := diskfull.Folder(err)
	if dir == "" || !diskfull.Is(err) {
		return nil
	}
	return ops.Wrap(err, ops.Failed, lang.M("the disk of %s is full (%s)", dir, lang.M("no space left on device"))).
		WithHint(lang.M("free space on it: %s; then run this again", "opsdeck runbook disk-full"))
}

// Refused says why a file or folder is not trusted, and what to do.
func Refused(e *trust.Error) *ops.Error {
	return ops.E(ops.Config, lang.M("refused: %s", e.Msg())).
		WithHint(lang.M("if its content is right, run: %s", e.Fix))
}
