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
)

var readerNames = map[line.Reader]string{
	line.ReaderNone:       "none",
	line.ReaderConfigured: "configured",
	line.ReaderNest:       "nest",
	line.ReaderJSON:       "json",
	line.ReaderContainer:  "container",
	line.ReaderTime:       "time",
	line.ReaderProgram:    "program",
	line.ReaderLogfmt:     "logfmt",
	line.ReaderLevel:      "level",
	line.ReaderCont:       "continues",
}

var innerNames = map[logs.Format]string{
	logs.FormatNest: "nest", logs.FormatJSON: "json", logs.FormatLogfmt: "logfmt",
}

// whyRead says in a sentence what a line was known by.
func whyRead(x line.Explained) lang.Msg {
	switch x.Reader {
	case line.ReaderConfigured:
		return lang.M("format %s of log_formats: its pattern matches", x.Format)
	case line.ReaderNest:
		return lang.M("Nest: a name in brackets, a process id, a date, a level")
	case line.ReaderJSON:
		if raw := strings.TrimSpace(x.Event.Raw); !strings.HasPrefix(raw, "{") || !strings.HasSuffix(raw, "}") {
			return lang.M("JSON: this line and those below it are one record")
		}
		return lang.M("JSON: the line is one object")
	case line.ReaderContainer:
		return lang.M("container runtime: time, stream and tag, then the line of the container")
	case line.ReaderTime:
		if name := innerNames[x.Inner]; name != "" {
			return lang.M("a time at the beginning, then a line of the format %s", name)
		}
		return lang.M("a time at the beginning, then level, context and text")
	case line.ReaderProgram:
		return lang.M("the line has the form of a known program")
	case line.ReaderLogfmt:
		return lang.M("logfmt: pairs of key=value")
	case line.ReaderLevel:
		return lang.M("a level at the beginning, no time")
	case line.ReaderCont:
		return lang.M("the line is part of the event above it")
	}
	return lang.M("no known format: neither a time nor a level was found")
}

// readingNotes are what else a person may ask about a line's reading.
func readingNotes(x line.Explained) []lang.Msg {
	var out []lang.Msg
	if x.Doubt != logs.LevelUnknown {
		out = append(
			out,
			lang.M("the first word is not read as the level %s: it may start a sentence", x.Doubt.String()),
		)
	}
	if x.Numbered {
		out = append(out, lang.M("the level comes from a number"))
	}
	if x.Reader == line.ReaderNone {
		out = append(out, lang.M("describe the format under log_formats, or run: opsdeck logs learn FILE"))
	}
	return out
}

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
	doc := explainJSON{
		Format: readerNames[x.Reader],
		Name:   x.Format,
		Inner:  innerNames[x.Inner],
		Zone:   zone.String(),
		Notes:  []string{},
	}
	if x.Zoned {
		doc.Zone = ""
	}
	doc.Why = whyRead(x).String()
	for _, n := range readingNotes(x) {
		doc.Notes = append(doc.Notes, n.String())
	}
	h := hitOf(&x.Event, nil)
	h.Explain = &doc
	b, err := h.line()
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
	say(lang.M("format: %s", whyRead(x)))
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
	for _, n := range readingNotes(x) {
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
