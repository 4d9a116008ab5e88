package main

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/stat"
)

type (
	pairsJSON struct {
		Pairs       int64        `json:"pairs"`
		Took        *numbersJSON `json:"took_ms"`
		Slowest     []pairJSON   `json:"slowest"`
		Open        []pairJSON   `json:"unfinished"`
		OpenCount   int64        `json:"unfinished_count"`
		NoStart     int64        `json:"without_start"`
		NoID        int64        `json:"without_id"`
		NoTime      int64        `json:"without_time"`
		NotFollowed int64        `json:"not_followed"`
		incompleteJSON
	}
	pairJSON struct {
		ID         string      `json:"id"`
		DurationMS float64     `json:"duration_ms"` // of one that is unfinished: up to the last line that was looked at
		Start      momentJSON  `json:"start"`
		End        *momentJSON `json:"end"`
	}
	momentJSON struct {
		Time   time.Time `json:"time"`
		Source string    `json:"source"`
		Line   int64     `json:"line"`
	}
)

func (r *logsRun) pairs(ctx context.Context, sources []logs.Source) error {
	rule, problem := stat.ParsePairs(r.cmd.Pairs)
	if !problem.Empty() {
		return ops.E(ops.Usage, lang.M("--pairs: %s", problem))
	}
	p, err := stat.FindPairs(ctx, &r.scan, sources, rule, r.cmd.Top)
	if err != nil {
		return err
	}
	r.hits = p.Count + int64(len(p.Open))
	if r.cmd.JSON {
		doc := r.pairsDocument(p)
		doc.Incomplete = r.incomplete
		return r.app.json(doc)
	}
	r.sayPairs(p)
	return nil
}

func (r *logsRun) pairsDocument(p *stat.Pairs) *pairsJSON {
	doc := &pairsJSON{
		Pairs: p.Count, Took: numbersOf(&p.Took), Slowest: []pairJSON{}, Open: []pairJSON{}, NoStart: p.NoStart,
		OpenCount: int64(len(p.Open)), NoID: p.NoID, NoTime: p.NoTime, NotFollowed: p.Beyond,
	}
	at := func(m stat.Moment) momentJSON { return momentJSON{m.At, m.Source, m.Line} }
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	for i := range p.Slowest {
		x := &p.Slowest[i]
		end := at(x.End)
		doc.Slowest = append(doc.Slowest, pairJSON{x.ID, ms(x.Took()), at(x.Start), &end})
	}
	for i, x := range p.Open {
		if r.cmd.Top > 0 && i >= r.cmd.Top {
			break
		}
		doc.Open = append(doc.Open, pairJSON{x.ID, ms(p.Last.Sub(x.Start.At)), at(x.Start), nil})
	}
	return doc
}

// tookCells has room for the longest duration, with the mark of an operation that is unfinished.
const tookCells = 13

// sayPairs prints the slowest operations, then those without an end.
func (r *logsRun) sayPairs(p *stat.Pairs) {
	l := r.app.lang
	t := r.app.theme()
	width := r.app.width()
	if width == 0 {
		width = sheetWidth
	}
	const stamp = "2006-01-02 15:04:05.000"
	id := cells.Width(l.T("id"))
	for _, x := range append(append([]stat.Pair{}, p.Slowest...), p.Open...) {
		id = max(id, cells.Width(termsafe.Line(x.ID)))
	}
	id = max(8, min(id, width-2*len(stamp)-tookCells-7))
	line := func(took, name, from, to string) string {
		return strings.TrimRight(cells.PadLeft(took, tookCells)+"  "+cells.Pad(termsafe.Line(name), id)+"  "+
			cells.Pad(from, len(stamp))+"  "+to, " ")
	}
	if len(p.Slowest) > 0 {
		r.out.WriteString(t.Bold.Render(line(l.T("took"), l.T("id"), l.T("start"), l.T("end"))) + "\n")
	}
	for i := range p.Slowest {
		x := &p.Slowest[i]
		r.out.WriteString(line(human.Duration(x.Took()), x.ID, x.Start.At.In(r.scan.Zone).Format(stamp),
			x.End.At.In(r.scan.Zone).Format(stamp)) + "\n")
	}
	for i, x := range p.Open {
		if r.cmd.Top > 0 && i >= r.cmd.Top {
			r.out.WriteString(l.T("(%s more are unfinished)", human.Count(int64(len(p.Open)-i))) + "\n")
			break
		}
		r.out.WriteString(t.Warn.Render(line("> "+human.Duration(p.Last.Sub(x.Start.At)), x.ID,
			x.Start.At.In(r.scan.Zone).Format(stamp), l.T("unfinished"))) + "\n")
	}
	r.app.note(lang.Raw(strings.Join(p.Notes(l), l.T("; "))))
}
