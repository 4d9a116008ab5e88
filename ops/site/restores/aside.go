package restores

import (
	"context"

	"opsdeck/internal/oplog"
)

// SetAside takes a run that cannot be read out of the way and puts that on record.
// Nothing of it is removed; path is where its folder is now.
func (d *Desk) SetAside(ctx context.Context, id string) (path string, err error) {
	path, err = d.Store.SetAside(id)
	if err != nil {
		return "", err
	}
	return path, d.Oplog(ctx).Record(
		oplog.Entry{
			Service: d.Service.Name,
			Action:  "restore.set-aside",
			Object:  id,
			Result:  oplog.Done,
			Detail:  map[string]string{"path": path},
		},
	)
}
