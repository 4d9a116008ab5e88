package backups

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// adviceWait is how long the server gets to say whether there is anything to back up.
const adviceWait = 3 * time.Second

// NewBackup is the hint where a new backup is needed: what can work now. While the server
// does not let opsdeck in, that comes first; a database without tables has nothing to back
// up, and a new backup of it would replace no lost one.
func NewBackup(ctx context.Context, d config.Database) lang.Msg {
	there, err := hasTables(ctx, d)
	var known *ops.Error
	switch {
	case err != nil && mysql.FaultOf(err) != mysql.NoFault:
		if target, at := mysql.Resolve(d); at == nil && errors.As(mysql.Explain(err, target), &known) {
			return known.Hint
		}
	case err == nil && !there:
		return NothingToSave(d.Name)
	}
	return lang.M("make a new one: opsdeck backup create")
}

// NothingToSave is the hint while a database has no tables.
func NothingToSave(database string) lang.Msg {
	return lang.M("%s has no tables, so there is nothing to back up; verify the backups that exist: opsdeck backup "+
		"verify --all; or restore a file from elsewhere: opsdeck restore --from FILE", database)
}

// HasNoTables tells that a database is empty or absent; false where that cannot be told.
func HasNoTables(ctx context.Context, d config.Database) bool {
	there, err := hasTables(ctx, d)
	return err == nil && !there
}

func hasTables(ctx context.Context, d config.Database) (bool, error) {
	target, err := mysql.Resolve(d)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, adviceWait)
	defer cancel()
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return false, err
	}
	defer db.Close()
	n, err := schema.One(ctx, db, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND "+
		"TABLE_TYPE <> 'VIEW'", d.Name)
	return n != "0", err
}
