package backups

import (
	"context"
)

// compareSize compares a new backup with earlier ones. An emptied database gives a good
// backup of nothing, which is reported.
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
