package load

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// rehearsalJobs is the number of connections that create tables side by side: a table of
// InnoDB waits for the disk, not for the others.
const rehearsalJobs = 4

// tables creates the tables and sequences: what a table may refer to first.
func (r *rehearsal) tables(ctx context.Context, p *plan) error {
	var plain, others []*table
	for _, t := range p.tables {
		switch {
		case t.create == nil:
			if err := r.sequence(ctx, t); err != nil {
				return err
			}
		case isPlain(t):
			plain = append(plain, t)
		default:
			others = append(others, t)
		}
	}
	if err := r.sideBySide(ctx, p, plain); err != nil {
		return err
	}
	for _, t := range others {
		if err := r.all(ctx, r.s.main, "table", t.step); err != nil {
			return err
		}
	}
	slices.SortStableFunc(r.out.Uncreatable, func(a, b Uncreatable) int { return p.place(a.Name) - p.place(b.Name) })
	slices.SortStableFunc(r.out.Substituted, func(a, b Substituted) int { return cmp.Compare(a.Table, b.Table) })
	return nil
}

// place is the place of a table in the file.
func (p *plan) place(name string) int {
	return slices.IndexFunc(p.tables, func(t *table) bool { return t.object == name })
}

func (r *rehearsal) sequence(ctx context.Context, t *table) error {
	if err := r.all(ctx, r.s.main, "sequence", t.step); err != nil || r.failed["sequence "+t.object] {
		return err
	}
	next, err := SequenceNext(ctx, r.s.main, r.s.o.Schema, t.object)
	if err != nil {
		return err
	}
	r.out.Sequences[t.object] = next
	return nil
}

// isPlain tells whether a table is of InnoDB: it needs no other table to be created.
func isPlain(t *table) bool { return strings.EqualFold(t.create.Options["ENGINE"], "InnoDB") }

// sideBySide creates tables over several connections.
func (r *rehearsal) sideBySide(ctx context.Context, p *plan, tables []*table) error {
	work := make(chan *table)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(work)
		for _, t := range tables {
			select {
			case work <- t:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(rehearsalJobs, len(tables)) {
		group.Go(func() error { return r.create(ctx, p, work) })
	}
	return group.Wait()
}

// create creates the tables that come, over a connection of its own.
func (r *rehearsal) create(ctx context.Context, p *plan, work <-chan *table) error {
	c, err := r.s.worker(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := p.settle(ctx, c); err != nil {
		return err
	}
	for t := range work {
		if err := r.all(ctx, c, "table", t.step); err != nil {
			return err
		}
	}
	return nil
}
