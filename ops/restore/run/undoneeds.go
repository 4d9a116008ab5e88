package run

import (
	"path/filepath"

	"opsdeck/ops/restore"
)

// UndoNeeds are the emergency backups, by the names of their files, that the undo of a
// finished restore in place would load, with the restore's id. For each database that is the
// newest restore in place, unless a newer swap that cannot be undone has replaced it. Runs
// that are not over or cannot be read are told by OpenRuns.
func (st Store) UndoNeeds() (map[string]string, error) {
	ids, err := st.Runs()
	if err != nil {
		return nil, err
	}
	need := map[string]string{}
	settled := map[[2]string]bool{}
	for _, id := range ids {
		r, err := st.Load(id)
		if err != nil || !r.State.Stage.Final() || !r.State.Swapped || r.Plan.Mode == restore.Into {
			continue
		}
		live := [2]string{r.Plan.Service, r.Plan.Target.Live}
		if settled[live] {
			continue
		}
		undo := r.State.Can(restore.KindUndo)
		settled[live] = !undo || r.Plan.Mode == restore.InPlace
		if undo && r.Plan.Mode == restore.InPlace {
			need[filepath.Base(r.State.Data.Emergency)] = id
		}
	}
	return need, nil
}

// Also are the backups, by the names of their files, of states that the newest restore of each
// database replaced after others had written to them, with the restore's id.
func (st Store) Also() (map[string]string, error) {
	ids, err := st.Runs()
	if err != nil {
		return nil, err
	}
	also := map[string]string{}
	settled := map[[2]string]bool{}
	for _, id := range ids {
		r, err := st.Load(id)
		if err != nil || r.Plan.Mode == restore.Into {
			continue
		}
		live := [2]string{r.Plan.Service, r.Plan.Target.Live}
		if settled[live] {
			continue
		}
		for _, path := range r.State.Data.Also {
			also[filepath.Base(path)] = id
		}
		settled[live] = r.State.Stage.Final() && r.State.Swapped
	}
	return also, nil
}
