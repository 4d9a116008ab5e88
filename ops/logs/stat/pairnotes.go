package stat

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"time"
)

// Notes say how many pairs there are, how long they took, and what has no partner.
func (p *Pairs) Notes(l *lang.Printer) (notes []string) {
	all := l.T("%s pairs", human.Count(p.Count))
	if p.Count == 1 {
		all = l.T("1 pair")
	}
	if p.Count > 0 {
		d := func(ms float64) string { return human.Duration(time.Duration(ms * float64(time.Millisecond))) }
		all += ": p50 " + d(p.Took.Percentile(50)) + ", p95 " + d(p.Took.Percentile(95)) + ", " +
			l.T("max") + " " + d(p.Took.Max)
	}
	notes = append(notes, all)
	for _, n := range []struct {
		n    int64
		text lang.Msg
	}{
		{int64(len(p.Open)), lang.M("%s unfinished", human.Count(int64(len(p.Open))))},
		{p.NoStart, lang.M("%s ends without a start", human.Count(p.NoStart))},
		{p.NoID, lang.M("%s lines without an id", human.Count(p.NoID))},
		{p.NoTime, lang.M("%s without a time", human.Count(p.NoTime))},
		{p.Beyond, lang.M("%s starts not tracked, too many are unfinished", human.Count(p.Beyond))},
	} {
		if n.n > 0 {
			notes = append(notes, l.Msg(n.text))
		}
	}
	return notes
}
