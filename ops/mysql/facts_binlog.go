package mysql

import (
	"context"
	"time"

	"opsdeck/ops/doctor"
)

// BinlogFacts asks a server for what a doctor wants to know about its binary log, which
// is to hold the changes of a database.
func BinlogFacts(ctx context.Context, t Target, database string) (doctor.Binlog, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return doctor.Binlog{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	l := &look{ctx: ctx, db: db, probe: Probe{Target: t}}
	v, err := l.row(
		"SELECT VERSION() AS version, CURRENT_USER() AS user, @@GLOBAL.log_bin AS binlog, @@GLOBAL.binlog_format AS " +
			"format, " +
			"@@GLOBAL.binlog_row_image AS image, @@GLOBAL.sync_binlog AS sync",
	)
	if err != nil {
		return doctor.Binlog{}, Explain(err, t)
	}
	b := doctor.Binlog{
		On:       v["binlog"] == "1",
		Format:   v["format"],
		RowImage: v["image"],
		Sync:     v["sync"],
	}
	if s, err := l.row("SELECT @@GLOBAL.binlog_expire_logs_seconds AS n"); err == nil {
		b.Expire = time.Duration(number(s["n"])) * time.Second
	}
	for _, name := range []string{"binlog_encryption", "encrypt_binlog"} { // MySQL, MariaDB
		if s, err := l.row("SELECT @@GLOBAL." + name + " AS encrypted"); err == nil {
			b.Encrypted = s["encrypted"] == "1"
		}
	}
	if out, err := LeftOut(ctx, db); err == nil && b.On {
		b.Unlogged = out.Setting(database)
	}
	b.Account, err = NewAccount(ctx, db)
	return b, Explain(err, t)
}
