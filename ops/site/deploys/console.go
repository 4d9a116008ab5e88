package deploys

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
)

// Console deploys the service from the console.
type Console struct {
	in  func(*lang.Printer) (*Desk, error)
	now *Desk // in the language that the console had when it was opened
}

// OpenConsole opens it; in makes the desk with its sentences in a language.
func OpenConsole(l *lang.Printer, in func(*lang.Printer) (*Desk, error)) (Console, error) {
	now, err := in(l)
	return Console{in, now}, err
}

// Service is the service that is deployed.
func (c Console) Service() string { return c.now.Service.Name }

// Plans are those that can be made; an installation, the rarest, is the last.
func (c Console) Plans() (out []deploy.Choice) {
	names := c.now.Names()
	if at := slices.Index(names, "install"); at >= 0 {
		names = append(slices.Delete(names, at, at+1), "install")
	}
	for _, name := range names {
		out = append(out, deploy.Choice{Name: name, Pulls: c.now.Pulls(name)})
	}
	return out
}

// Plan makes a plan and writes what it would do.
func (c Console) Plan(ctx context.Context, l *lang.Printer, name, revision string) (s deploy.Sheet, err error) {
	d, err := c.in(l)
	if err != nil {
		return s, err
	}
	open, err := d.Store().Open(d.Service.Name)
	if err != nil {
		return s, err
	}
	if open != nil {
		return s, InTheWay(open)
	}
	p, err := d.Plan(ctx, name, revision)
	if err != nil {
		return s, d.Explain(err)
	}
	var text bytes.Buffer
	if err := Describe(ctx, &text, d, p); err != nil {
		return s, d.Explain(err)
	}
	return deploy.Sheet{
		Name:     name,
		Revision: revision,
		Hash:     p.Hash,
		Lines:    strings.Split(strings.TrimRight(text.String(), "\n"), "\n"),
		Effect:   deploy.Effect(p.Service, p.Steps),
	}, nil
}

// Newest is the deployment that needs somebody, else the newest.
func (c Console) Newest() (out deploy.Course, err error) {
	d := c.now
	running, err := Launcher{Desk: d}.Busy()
	if err != nil {
		return out, err
	}
	all, err := d.Store().Of(d.Service.Name)
	if err != nil || len(all) == 0 {
		return out, err
	}
	newest := deploy.NeedsSomebody(all)
	if newest == nil {
		newest = all[0]
	}
	out = deploy.Course{
		Deployment: newest,
		Running:    running && newest.State.Result == "",
		Result:     ResultText(newest.State),
		Report:     d.Store().ReportPath(newest.Plan.ID),
		Usual:      make([]time.Duration, len(newest.Plan.Steps)),
	}
	for i, s := range newest.Plan.Steps {
		out.Usual[i], _ = deploy.Usual(all, newest.Plan.Name, s.Name)
	}
	return out, nil
}

// Run begins the plan that was shown.
func (c Console) Run(ctx context.Context, l *lang.Printer, s deploy.Sheet) error {
	words := []string{"deploy", "run", s.Name, "--plan=" + s.Hash}
	if s.Revision != "" {
		words = append(words, "--revision="+s.Revision)
	}
	return c.launch(ctx, l, words)
}

// Resume continues the deployment that was interrupted.
func (c Console) Resume(ctx context.Context, l *lang.Printer) error {
	return c.launch(ctx, l, []string{"deploy", "run", "--resume"})
}

// Undo rolls a deployment back.
func (c Console) Undo(ctx context.Context, l *lang.Printer, id string) error {
	return c.launch(ctx, l, []string{"deploy", "undo", id})
}

func (c Console) launch(ctx context.Context, l *lang.Printer, words []string) error {
	d, err := c.in(l)
	if err != nil {
		return err
	}
	return Launcher{Desk: d}.Launch(ctx, words...)
}

// Interrupt tells the process at work to stop.
func (c Console) Interrupt() error { return Launcher{Desk: c.now}.Interrupt() }
