package main

import (
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// statusJSON is the document of the contract.
type statusJSON struct {
	Verdict   ops.State   `json:"verdict"`
	Summary   string      `json:"summary"`
	CheckedAt time.Time   `json:"checked_at"`
	Checks    []checkJSON `json:"checks"`
}

type checkJSON struct {
	Name      string         `json:"name"`
	Kind      health.Kind    `json:"kind"`
	State     ops.State      `json:"state"`
	LatencyMS float64        `json:"latency_ms"`
	Detail    string         `json:"detail"`
	Fields    map[string]any `json:"fields"`
}

// statusView writes a report as text and as JSON.
type statusView struct {
	*app
	many bool // services: their names are shown
}

// judge makes the verdict; its commands name the service that they are for.
func (v statusView) judge(r health.Report) health.Verdict {
	face := health.CommandFace()
	face.Of = func(service string) health.Face {
		program := v.programFor(service)
		of := face
		of.Restore = typed.Msg(program, face.Restore)
		of.Backup = typed.Msg(program, face.Backup)
		return of
	}
	return health.Judge(r, face)
}

func (v statusView) json(r health.Report, verdict health.Verdict) statusJSON {
	doc := statusJSON{
		Verdict:   verdict.State,
		Summary:   v.lang.Msg(verdict.Text),
		CheckedAt: r.At,
	}
	for _, s := range r.Standings {
		doc.Checks = append(doc.Checks, v.check(s))
	}
	return doc
}

func (v statusView) check(s health.Standing) checkJSON {
	latency := float64(s.Last.Latency.Microseconds()/10) / 100
	return checkJSON{v.name(s), s.Check.Kind, s.State, latency, v.say(s.Last.Detail), v.fields(s.Last)}
}

// say writes a sentence with its moments in local time.
func (v statusView) say(m lang.Msg) string {
	return v.lang.Msg(health.In(m, v.clock.Now(), time.Local))
}

// name is the check's name, with its service's where there are several.
func (v statusView) name(s health.Standing) string {
	if v.many {
		return s.Check.ID()
	}
	return s.Check.Name
}

// fields are a result's fields by name. What is unknown is null, and a field of
// its name with _unknown behind it says why.
func (v statusView) fields(r health.Result) map[string]any {
	out := map[string]any{}
	for _, f := range r.Fields {
		out[f.Name] = f.Value
		if f.Value == nil {
			out[f.Name+"_unknown"] = v.say(f.Reason)
		}
	}
	return out
}

// lines are the verdict and a table of the checks by service.
func (v statusView) lines(r health.Report, verdict health.Verdict) []string {
	t := v.theme()
	style, glyph := t.State(verdict.State)
	width := v.width()
	var out []string
	for i, line := range v.wrapped(verdict, width) {
		mark := "  "
		if i == 0 {
			mark = style.Render(glyph) + " "
		}
		out = append(out, mark+style.Render(line))
	}
	table := cells.Table{Max: width, Right: []int{2}}
	heads := map[int]string{}
	last := ""
	for _, s := range r.Standings {
		if v.many && s.Check.Service != last {
			last = s.Check.Service
			heads[len(table.Rows)] = last
		}
		table.Rows = append(table.Rows, v.row(s))
	}
	for i, line := range table.Lines() {
		if name, ok := heads[i]; ok || i == 0 {
			out = append(out, "")
			if name != "" {
				out = append(out, t.Bold.Render(termsafe.Line(name)))
			}
		}
		out = append(out, line)
	}
	return out
}

func (v statusView) wrapped(verdict health.Verdict, width int) []string {
	text := termsafe.Line(v.lang.Msg(verdict.Text))
	if width < 20 {
		return []string{text}
	}
	return cells.Wrap(text, width-2)
}

func (v statusView) row(s health.Standing) []string {
	t := v.theme()
	if !s.Seen() {
		return []string{t.Dim.Render(t.Glyph.Pending + " " + v.lang.T("checking")), s.Check.Name, "", ""}
	}
	style, glyph := t.State(s.State)
	state := style.Render(glyph + " " + v.lang.Msg(s.State.Label()))
	return []string{
		state,
		termsafe.Line(s.Check.Name),
		t.Dim.Render(latency(s.Last.Latency)),
		termsafe.Line(v.say(s.Detail(health.DefaultRule))),
	}
}

// latency is short and as coarse as it matters.
func latency(d time.Duration) string {
	if d < time.Millisecond {
		return "<1 ms"
	}
	return human.Duration(d)
}
