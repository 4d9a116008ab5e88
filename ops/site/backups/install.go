package backups

import (
	"opsdeck/ops/watch"
)

// Baseline records that runs count as missed from now on.
func (sh Maker) Baseline() error {
	jobs, err := sh.Nights().Jobs(nil)
	if err != nil {
		return err
	}
	record := watch.Record{Dir: sh.StateDir}
	last, err := record.Last()
	if err != nil {
		return err
	}
	now := sh.Clock.Now()
	for _, j := range jobs {
		if _, seen := last[j.Name]; !seen {
			if err := record.Append(watch.Run{Job: j.Name, Due: now, Started: now, Ended: now,
				Result: watch.Installed}); err != nil {
				return err
			}
		}
	}
	return nil
}
