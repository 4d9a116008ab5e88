package backupview

import (
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// A backup whose metadata changed is doubtful, not gone: no red "no good backup".
func TestChangedMetadataAreADoubtNotALoss(t *testing.T) {
	moved := &backup.Set{
		Name:     "a",
		Tier:     backup.Daily,
		Database: db,
		State:    backup.Unverified,
		Before:   &backup.Check{At: now},
		At:       now.Add(-time.Hour),
	}
	inv := backup.Scan{Databases: []string{db}, Zone: time.UTC, Now: now}.NewInventory([]*backup.Set{moved})
	p := &Page{stock: stock{shelf: &Shelf{}}}
	p.stock.shelf.Inventory = inv
	if state, text := p.stock.summary(now); state != ops.StateWarning {
		t.Errorf("%s %s", state, text)
	}
	moved.Before = nil
	if state, text := p.stock.summary(now); state != ops.StateCritical {
		t.Errorf("%s %s", state, text)
	}
}
