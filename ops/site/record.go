package site

import (
	"context"
	"errors"

	"opsdeck/internal/oplog"
)

// Record puts an operation of the service on record before and after its work. The work
// may add to the entry's details. It is recorded as done, as stopped where it failed
// after the context had ended, or as failed with the error. Nothing is done when the
// start cannot be recorded.
func (s *Site) Record(
	ctx context.Context,
	entry oplog.Entry,
	work func(context.Context, map[string]string) error,
) error {
	log := s.Oplog(ctx)
	entry.Service = s.Service.Name
	entry.Result = oplog.Started
	if entry.Detail == nil {
		entry.Detail = map[string]string{}
	}
	if err := log.Record(entry); err != nil {
		return err
	}
	err := work(ctx, entry.Detail)
	entry.Result = oplog.Done
	switch {
	case err != nil && ctx.Err() != nil:
		entry.Result = oplog.Stopped
	case err != nil:
		entry.Result = oplog.Failed
		entry.Detail["error"] = err.Error()
	}
	return errors.Join(err, log.Record(entry))
}
