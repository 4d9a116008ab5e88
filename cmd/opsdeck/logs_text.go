package main

import (
	"bytes"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
)

// text prints lines made safe; those that are no hit are dim.
func (r *logsRun) text(lines string, hit bool) {
	if lines == "" {
		return
	}
	if r.cmd.Raw || !r.app.color && termsafe.Safe(lines) {
		r.out.WriteString(lines)
		r.out.WriteByte('\n')
		return
	}
	for line := range strings.SplitSeq(lines, "\n") {
		if strings.IndexByte(line, 0x1b) >= 0 {
			line = string(logline.Visible([]byte(line), nil))
		}
		line = termsafe.Line(line)
		switch {
		case !r.app.color:
		case !hit:
			line = r.app.theme().Dim.Render(line)
		default:
			line = paint(r.app.theme(), r.query, line)
		}
		r.out.WriteString(line)
		r.out.WriteByte('\n')
	}
}

// pass prints the texts of events with so many hits.
func (r *logsRun) pass(texts []byte, hits int64) error {
	r.hits += hits
	if r.cmd.Raw {
		_, err := r.out.Write(texts)
		return err
	}
	r.text(string(bytes.TrimSuffix(texts, []byte{'\n'})), true)
	return nil
}

// longText prints the event of a hit; --raw prints all of it, however long.
func (r *logsRun) longText(h *index.Hit, a *index.Around) error {
	if !r.cmd.Raw || a.More == 0 {
		r.text(a.Event+moreWords(r.app.lang, a.More), true)
		return nil
	}
	r.out.WriteString(a.Event)
	err := r.scan.CopyMore(r.out, h, a.More)
	r.out.WriteByte('\n')
	return err
}

// moreWords say how much of an event is not printed, after what is.
func moreWords(l *lang.Printer, more int64) string {
	if more <= 0 {
		return ""
	}
	return " " + l.T("… %s more", human.Bytes(more))
}
