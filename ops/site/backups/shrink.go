package backups

import (
	"context"
)

// compareSize holds a backup that was just made against those before it. An emptied
// database gives a good backup of nothing: that is told.
func (sh Maker) compareSize(ctx context.Context, m *Made) error {
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	s := inv.Find(m.File)
	if s == nil {
		return nil
	}
	if shrink, ok := inv.Shrunk(s); ok {
		m.Shrink = &shrink
	}
	return nil
}
