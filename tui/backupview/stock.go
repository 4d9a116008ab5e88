package backupview

import (
	"opsdeck/ops/backup"
	"opsdeck/tui/page"
)

// stock is what there is: the inventory that was read last, and how its rows are drawn.
type stock struct {
	env   *page.Env
	svc   Service
	shelf *Shelf
	err   error
	steps map[*backup.Set]backup.Step // the plan's, by backup
}
