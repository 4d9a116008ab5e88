package backups

import (
	"context"
	"errors"
	"path/filepath"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/watch"
)

// surviving reads from the server with a function that may end the server: not at all if a
// table is known to end it, and without an automatic retry if it has just ended.
func (sh Prover) surviving(ctx context.Context, target mysql.Target, databases []string, read func() error) error {
	server := swap.New(swap.Settings{Target: target, Marks: DeadlyPath(sh.StateDir)})
	defer server.Close()
	for _, in := range databases {
		names, err := server.Damage.MarkedIn(ctx, in)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return watch.Final(DeadlyTables(names))
		}
	}
	after, err := server.Damage.Watch(ctx)
	if err != nil {
		return err
	}
	if err = after(read()); errors.Is(err, swap.ErrEnded) {
		return watch.Final(err)
	}
	return err
}

// DeadlyTables reports that tables are not read because reading them ended the server.
func DeadlyTables(names []string) *ops.Error {
	return ops.E(ops.Failed, lang.M("the server crashed while %s was read: it will not be read again",
		lang.List(names))).WithHint(lang.M("see what can be done: %s", "opsdeck restore --plan"))
}

// DeadlyPath is the file that records the tables that end the server when read.
func DeadlyPath(state string) string {
	return filepath.Join(state, "tables-that-end-the-server.json")
}
