package site

import (
	"context"
	"errors"
	"maps"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/human"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
)

// Record puts an operation of the service on record before and after its work. The work
// may add to the entry's details. It is recorded as done, as stopped where it failed
// after the context had ended, or as failed with the error. Nothing is done when the
// start cannot be recorded.
func (s *Site) Record(ctx context.Context, entry oplog.Entry,
	work func(context.Context, map[string]string) error) error {
	start := s.opened(&entry)
	if err := s.Oplog(ctx).Record(start); err != nil {
		return err
	}
	return s.close(ctx, entry, work(ctx, entry.Detail))
}

// RecordFreeing is Record for work that makes room in dir, "" for none: where the start cannot be
// recorded because the disk of both is full, it is recorded after the work.
func (s *Site) RecordFreeing(ctx context.Context, dir string, entry oplog.Entry,
	work func(context.Context, map[string]string) error) error {
	start := s.opened(&entry)
	unsaid := s.Oplog(ctx).Record(start)
	if unsaid != nil && (!diskfull.Is(unsaid) || !diskfull.OneDisk(dir, s.StateDir)) {
		return unsaid
	}
	err := work(ctx, entry.Detail)
	if unsaid != nil {
		start.Detail["recorded"] = "after the work: the disk was full"
		if late := s.Oplog(ctx).Record(start); late != nil {
			return errors.Join(err, late)
		}
	}
	return s.close(ctx, entry, err)
}

// opened completes an entry and returns that of its start.
func (s *Site) opened(entry *oplog.Entry) oplog.Entry {
	entry.Service = s.Service.Name
	if entry.Detail == nil {
		entry.Detail = map[string]string{}
	}
	start := *entry
	start.Result = oplog.Started
	start.Detail = maps.Clone(entry.Detail)
	return start
}

// close records how the work of an entry ended.
func (s *Site) close(ctx context.Context, entry oplog.Entry, err error) error {
	entry.Result = oplog.Done
	switch {
	case err != nil && ctx.Err() != nil:
		entry.Result = oplog.Stopped
	case err != nil:
		entry.Result = oplog.Failed
		both := ops.InBoth(err)
		entry.Detail["error"] = human.OneLine(both.EN)
		if both.ZH != "" {
			entry.Detail["error_zh"] = human.OneLine(both.ZH)
		}
	}
	return errors.Join(err, s.Oplog(ctx).Record(entry))
}
