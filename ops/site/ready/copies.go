package ready

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/remote"
)

// copies are the points of the copies of the backups: whether each can be listed.
func (l Look) copies(ctx context.Context) (points []doctor.Point) {
	for _, c := range l.Service.Backup.Copies {
		p := doctor.Point{Name: "copy:" + c.Name, Service: l.Service.Name}
		n, err := listed(ctx, c)
		p.Seen = lang.M("the copy %s responds: %d files", c.Name, n)
		if err != nil {
			e := l.Explain(err)
			p.Findings = []doctor.Finding{{State: copyState(e), What: withReason(e), Fix: l.Lang.Msg(e.Hint)}}
		}
		points = append(points, p)
	}
	return points
}

// copyState is a warning where a later try may succeed.
func copyState(e *ops.Error) ops.State {
	if e.Code == ops.Busy {
		return ops.StateWarning
	}
	return ops.StateCritical
}

// listed is how many files a copy holds.
func listed(ctx context.Context, c config.Copy) (int, error) {
	store, err := remote.Open(c)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	files, err := store.List(ctx)
	return len(files), err
}
