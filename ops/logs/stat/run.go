package stat

import (
	"context"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// Run counts the events that a scan finds in the sources.
func Run(ctx context.Context, scan *index.Scan, sources []logs.Source, ask Ask) (*Table, error) {
	t := newTable(ask)
	err := each(ctx, scan, sources, func(e *logs.Event) error {
		t.Add(e)
		return nil
	})
	return t, err
}

// each calls do for every event in which a scan finds something, once and whole, in the order of time.
func each(ctx context.Context, scan *index.Scan, sources []logs.Source, do func(*logs.Event) error) error {
	var parser *line.Parser
	last := map[string]index.Hit{} // of each source, as they are merged
	return scan.Each(ctx, sources, func(h *index.Hit) error {
		if parser == nil { // the scan knows its zone by now
			parser = line.NewParser(scan.Zone, scan.Now)
		}
		if was := last[h.Source]; was.SameEvent(h) {
			return nil
		}
		last[h.Source] = *h
		e, err := scan.WholeEvent(parser, h)
		if err != nil {
			return err
		}
		e.Time, e.Level = h.Time(), h.Level()
		return do(&e)
	})
}
