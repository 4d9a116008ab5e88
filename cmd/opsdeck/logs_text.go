package main

import (
	"strings"

	"opsdeck/internal/termsafe"
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
