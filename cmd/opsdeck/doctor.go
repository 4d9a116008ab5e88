package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/site/ready"
)

type doctorCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// doctorJSON is the command's document.
type doctorJSON struct {
	State     ops.State   `json:"state"`
	CheckedAt time.Time   `json:"checked_at"`
	Points    []pointJSON `json:"points"`
}

type pointJSON struct {
	Name     string        `json:"name"`
	Service  string        `json:"service,omitempty"`
	State    ops.State     `json:"state"`
	Detail   string        `json:"detail"`
	Findings []findingJSON `json:"findings"`
}

type findingJSON struct {
	State ops.State `json:"state"`
	What  string    `json:"what"`
	Why   string    `json:"why,omitempty"`
	Fix   string    `json:"fix,omitempty"`
}

// Run looks at the ground and says what to do. Its exit code is the state's.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.config()
	if err != nil {
		return err
	}
	services, err := a.statusServices()
	if err != nil {
		return err
	}
	r := doctor.Report{At: a.clock.Now()}
	r.Points = ready.Machine(loaded, a.getenv)
	for i := range services {
		r.Points = append(r.Points, a.readiness(&services[i]).Points(ctx)...)
	}
	unseen := a.unseen()
	if unseen != nil && a.stopped() != ops.Busy { // interrupted
		return unseen
	}
	if unseen != nil {
		r.Points = append(r.Points, doctor.Point{Name: "time-limit", Findings: []doctor.Finding{{
			State: ops.StateUnknown,
			What:  lang.M("not everything was checked: --timeout %s is over", a.flags.Timeout.String()),
		}}})
	}
	a.nameCommands(r.Points)
	if c.JSON {
		err = a.json(doctorDocument(a.printer, r))
	} else {
		_, err = fmt.Fprint(a.out, strings.Join(doctorLines(a.printer, r), "\n")+"\n")
	}
	if err != nil {
		return err
	}
	if unseen != nil {
		return unseen
	}
	return exitCode(r.State().ExitCode())
}

// nameCommands has the commands of each point name its service and this configuration.
func (a *app) nameCommands(points []doctor.Point) {
	for _, p := range points {
		program := a.again()
		if p.Service != "" {
			program = a.programFor(p.Service)
		}
		for i := range p.Findings {
			f := &p.Findings[i]
			f.What = typed.Msg(program, f.What)
			f.Fix = typed.Text(program, f.Fix)
		}
	}
}

func doctorDocument(a *printer, r doctor.Report) doctorJSON {
	doc := doctorJSON{State: r.State(), CheckedAt: r.At}
	for _, p := range r.Points {
		point := pointJSON{
			Name:    p.Name,
			Service: p.Service,
			State:   p.State(),
			Detail:  a.lang.Msg(p.Seen),
		}
		for _, f := range p.Findings {
			point.Detail = a.lang.Msg(p.Findings[0].What)
			point.Findings = append(point.Findings, findingJSON{f.State, a.lang.Msg(f.What), a.lang.Msg(f.Why), f.Fix})
		}
		doc.Points = append(doc.Points, point)
	}
	return doc
}

// gravest are the points with those of each service in the order of their gravity: what
// stops everything is not at the end.
func gravest(points []doctor.Point) []doctor.Point {
	out := slices.Clone(points)
	for from := 0; from < len(out); {
		to := from + 1
		for to < len(out) && out[to].Service == out[from].Service {
			to++
		}
		slices.SortStableFunc(out[from:to], func(a, b doctor.Point) int { return int(b.State()) - int(a.State()) })
		from = to
	}
	return out
}

// doctorLines are a table of points by service, what to do below each finding.
func doctorLines(a *printer, r doctor.Report) []string {
	t := a.theme()
	table := cells.Table{Max: a.width()}
	heads, last := map[int]string{}, ""
	for _, p := range gravest(r.Points) {
		if p.Service != last {
			last = p.Service
			heads[len(table.Rows)] = last
		}
		for i, f := range append([]doctor.Finding{{State: p.State(), What: p.Seen}}, p.Findings...) {
			if i == 0 && len(p.Findings) > 0 {
				continue // what was found says it
			}
			style, glyph := t.State(f.State)
			table.Rows = append(
				table.Rows,
				[]string{
					style.Render(glyph + " " + a.lang.Msg(f.State.Label())),
					p.Name,
					termsafe.Line(a.lang.Msg(f.What)),
				},
			)
			if !f.Why.Empty() {
				table.Rows = append(table.Rows, []string{"", "", t.Dim.Render(termsafe.Line(a.lang.Msg(f.Why)))})
			}
			if f.Fix != "" {
				table.Rows = append(table.Rows, []string{"", "", t.Dim.Render(a.drawn("→ ")) + termsafe.Line(f.Fix)})
			}
		}
	}
	out := []string{doctorVerdict(a, r)}
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

func doctorVerdict(a *printer, r doctor.Report) string {
	findings := 0
	for _, p := range r.Points {
		findings += len(p.Findings)
	}
	said := a.lang.T("All %d checks passed.", len(r.Points))
	switch {
	case findings == 1:
		said = a.lang.T("One problem needs attention.")
	case findings > 1:
		said = a.lang.T("%d problems need attention.", findings)
	}
	return a.mark(r.State(), said)
}
