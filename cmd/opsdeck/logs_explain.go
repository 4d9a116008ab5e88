package main

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/site/reading"
)

// explain prints each hit with the format that read it, and why.
func (r *logsRun) explain(ctx context.Context, sources []logs.Source) error {
	p := line.NewParser(r.scan.Zone, r.scan.Now)
	return r.scan.Each(ctx, sources, func(h *index.Hit) error {
		x, err := r.scan.Explain(p, h)
		if err != nil {
			return err
		}
		r.hits++
		if r.cmd.JSON {
			err = r.explainJSON(x, p.Zone)
		} else {
			r.explainText(x, p.Zone)
		}
		if err == nil && r.cmd.Limit > 0 && r.hits >= int64(r.cmd.Limit) {
			return index.ErrEnough
		}
		return err
	})
}

func (r *logsRun) explainJSON(x line.Explained, zone *time.Location) error {
	doc := reading.Explained{
		Format: x.Reader.Name(),
		Name:   x.Format,
		Inner:  x.InnerName(),
		Zone:   zone.String(),
		Notes:  []string{},
	}
	if x.Zoned {
		doc.Zone = ""
	}
	doc.Why = x.Why().String()
	for _, n := range x.Notes() {
		doc.Notes = append(doc.Notes, n.String())
	}
	h := reading.HitOf(&x.Event, nil)
	h.Explain = &doc
	b, err := h.Encode()
	if err != nil {
		return err
	}
	_, err = r.out.Write(termsafe.JSON(b))
	return err
}

func (r *logsRun) explainText(x line.Explained, zone *time.Location) {
	r.text(x.Event.Raw, true)
	zoneName := zone.String()
	if zone == time.Local {
		zoneName, _ = x.Event.Time.Zone()
	}
	say := func(m lang.Msg) { r.out.WriteString("  " + termsafe.Line(r.app.lang.Msg(m)) + "\n") }
	say(lang.M("format: %s", x.Why()))
	at := x.Event.Time.Format("2006-01-02 15:04:05.000 -07:00")
	switch {
	case x.Event.Time.IsZero() && x.Clocked:
		say(lang.M("time: a time of day without a date; the day is not known"))
	case x.Event.Time.IsZero():
		say(lang.M("time: none found"))
	case x.Zoned && x.Reader == line.ReaderConfigured:
		say(lang.M("time: %s; the zone is from the line or its format", at))
	case x.Zoned:
		say(lang.M("time: %s; the line has its own zone", at))
	default:
		say(lang.M("time: %s; without a zone it is read as %s", at, zoneName))
	}
	say(lang.M("level: %s", x.Event.Level.String()))
	if x.Event.Context != "" {
		say(lang.M("context: %s", x.Event.Context))
	}
	if names := fieldNames(x.Event.Fields); names != "" {
		say(lang.M("fields: %s", names))
	}
	for _, n := range x.Notes() {
		say(n)
	}
}

func fieldNames(fields []logs.Field) string {
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.Key)
	}
	return strings.Join(names, ", ")
}
