package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Facts are what the server reports about itself.
type Facts struct {
	*link
}

// Identity identifies the server, as plans and locks name it.
func (f *Facts) Identity(ctx context.Context) (string, error) {
	db, err := f.db(ctx)
	if err != nil {
		return "", err
	}
	state, err := f.state(ctx, db)
	return state.Identity, err
}

// state is the server's description.
func (f *Facts) state(ctx context.Context, db *sql.DB) (restore.ServerState, error) {
	out := restore.ServerState{Address: f.Target.Server(), User: f.Target.User, Flavour: "mysql"}
	if f.mariadb {
		out.Flavour = "mariadb"
	}
	rows, err := schema.All(ctx, db, "SELECT VERSION(), @@read_only, @@log_bin, @@lower_case_table_names")
	if err != nil {
		return out, fmt.Errorf("identify the server: %w", err)
	}
	r := rows[0]
	out.Version = r[0]
	out.ReadOnly = r[1] != "0" && r[1] != "OFF"
	out.BinaryLog = r[2] == "1"
	out.FoldsNames = r[3] == "1"
	if out.Identity, err = schema.Identity(ctx, db); err != nil {
		return out, fmt.Errorf("identify the server: %w", err)
	}
	f.replication(ctx, db, &out)
	return out, nil
}

// readOnly is the finding that the server accepts no writes; nil if it does.
func (f *Facts) readOnly(ctx context.Context, db *sql.DB, server *restore.ServerState) *restore.Finding {
	by := ""
	if server.ReadOnly {
		by = "read_only"
	}
	for _, name := range []string{"super_read_only", doctor.InnoDBReadOnly} {
		if on, err := schema.One(ctx, db, "SELECT @@GLOBAL."+name); err == nil && on == "1" {
			by = name
		}
	}
	if level, err := schema.One(ctx, db, "SELECT @@GLOBAL."+doctor.ForcedRecovery); err == nil && level != "0" {
		by = doctor.ForcedRecovery
	}
	if by == "" {
		return nil
	}
	server.ReadOnly = true
	what, hint := doctor.ReadOnly(by)
	return &restore.Finding{State: ops.StateCritical, Blocks: true, What: restore.N(what), Hint: restore.N(hint)}
}

// readOnlyDatabase is the finding that MySQL's READ ONLY option keeps a database from changes,
// whatever the user's privileges; nil if it does not.
// https://dev.mysql.com/doc/refman/8.4/en/alter-database.html
func (f *Facts) readOnlyDatabase(ctx context.Context, db *sql.DB, name string) *restore.Finding {
	if f.mariadb {
		return nil
	}
	options, err := schema.One(ctx, db,
		"SELECT OPTIONS FROM information_schema.SCHEMATA_EXTENSIONS WHERE SCHEMA_NAME = ?",
		name)
	if err != nil || !strings.Contains(options, "READ ONLY=1") { // servers before 8.0.22 do not have the table
		return nil
	}
	return &restore.Finding{
		State:  ops.StateCritical,
		Blocks: true,
		What:   restore.N(lang.M("the database %s is read-only", name)),
		Hint:   restore.N(lang.M("make it writable: ALTER DATABASE %s READ ONLY = 0", schema.Ident(name))),
	}
}

func (f *Facts) replication(ctx context.Context, db *sql.DB, out *restore.ServerState) {
	for _, q := range []string{"SHOW ALL SLAVES STATUS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"} {
		c, err := db.Conn(ctx)
		if err != nil {
			return
		}
		r, err := show(ctx, c, q)
		c.Close()
		if err == nil {
			out.Replicates = r["source_host"] + r["master_host"]
			out.Unseen = false
			break
		}
		out.Unseen = out.Unseen || mysql.Number(err) == mysql.ErrSpecificAccess
	}
	rows, err := schema.All(
		ctx,
		db,
		"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'",
	)
	if err == nil && len(rows) == 1 {
		out.Replicas, _ = strconv.Atoi(rows[0][0])
		out.Replicas = max(0, out.Replicas-ownReaders(ctx, db))
	}
}

// ownReaders is the number of a server's replicas that are opsdeck's archive readers,
// which apply nothing.
func ownReaders(ctx context.Context, db *sql.DB) (n int) {
	for _, q := range []string{"SHOW REPLICAS", "SHOW SLAVE HOSTS"} {
		rows, err := schema.All(ctx, db, q)
		if err != nil {
			continue
		}
		for _, r := range rows {
			if len(r) > 1 && r[1] == format.ReaderName {
				n++
			}
		}
		return n
	}
	return 0
}

// ThreadsRunning is the number of threads that are running on the server, including this
// one.
func (f *Facts) ThreadsRunning(ctx context.Context) (int, error) {
	db, err := f.db(ctx)
	if err != nil {
		return 0, err
	}
	rows, err := schema.All(ctx, db, "SHOW GLOBAL STATUS LIKE 'Threads_running'")
	if err != nil || len(rows) == 0 || len(rows[0]) < 2 {
		return 0, errors.Join(err, errors.New("the server does not report its running threads"))
	}
	return strconv.Atoi(rows[0][1])
}

// DataDir is the server's data folder, as the server names it.
func (f *Facts) DataDir(ctx context.Context) (string, error) {
	db, err := f.db(ctx)
	if err != nil {
		return "", err
	}
	return schema.One(ctx, db, "SELECT @@datadir")
}

// SizeOf is the approximate size of a database on the server's disk, in bytes.
func (f *Facts) SizeOf(ctx context.Context, name string) (int64, error) {
	db, err := f.db(ctx)
	if err != nil {
		return 0, err
	}
	text, err := schema.One(ctx, db, "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS CHAR) FROM "+
		"information_schema.TABLES WHERE TABLE_SCHEMA = ?", name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}
