package doctor

import (
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

func TestTheBinaryLogIsJudgedByWhatItCosts(t *testing.T) {
	const user = "b@localhost"
	good := Binlog{
		Account: NewAccount(user, "9.7.4",
			[]string{"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `b`@`localhost`"}, nil),
		On:       true,
		Format:   "ROW",
		RowImage: "FULL",
		Sync:     "1",
		Expire:   30 * 24 * time.Hour,
	}
	for name, c := range map[string]struct {
		change func(*Binlog)
		says   string
	}{
		"good":     {func(*Binlog) {}, ""},
		"off":      {func(b *Binlog) { b.On = false }, "log_bin"},
		"no right": {func(b *Binlog) { b.Account = NewAccount(user, "9.7.4", nil, nil) }, "GRANT REPLICATION SLAVE ON *.* TO 'b'@'localhost'"},
		"files": {func(b *Binlog) {
			b.Account = NewAccount(user, "9.7.4", []string{"GRANT REPLICATION CLIENT ON *.* TO `b`@`localhost`"}, nil)
			b.Files = "/var/lib/mysql"
		}, "is read from the server's files in /var/lib/mysql instead"},
		"no files": {func(b *Binlog) {
			b.Account = NewAccount(user, "9.7.4", []string{"GRANT REPLICATION CLIENT ON *.* TO `b`@`localhost`"}, nil)
			b.NoFiles = lang.M("the server runs on another machine, %s", "db1")
		}, "but: the server runs on another machine, db1"},
		"maria": {func(b *Binlog) {
			b.Account = NewAccount(user, "10.11.19-MariaDB", []string{"GRANT REPLICATION SLAVE ON *.* TO `b`@`localhost`"}, nil)
		}, "GRANT BINLOG MONITOR"},
		"statement":    {func(b *Binlog) { b.Format = "STATEMENT" }, "binlog_format"},
		"mixed":        {func(b *Binlog) { b.Format = "MIXED" }, "binlog_format"},
		"blind":        {func(b *Binlog) { b.Format = "MIXED" }, "GRANT TRIGGER, SHOW VIEW, SHOW_ROUTINE ON *.* TO 'b'@'localhost'"},
		"sees in rows": {func(b *Binlog) { b.Format = "ROW" }, ""},
		"minimal":      {func(b *Binlog) { b.RowImage = "MINIMAL" }, "binlog_row_image"},
		"sync":         {func(b *Binlog) { b.Sync = "0" }, "sync_binlog"},
		"encrypted":    {func(b *Binlog) { b.Encrypted, b.PlainArchive = true, true }, "set backup.recipients"},
		"sealed":       {func(b *Binlog) { b.Encrypted = true }, ""},
		"plain":        {func(b *Binlog) { b.PlainArchive = true }, ""},
		"expire":       {func(b *Binlog) { b.Expire = time.Hour }, "binlog_expire_logs_seconds"},
	} {
		b := good
		c.change(&b)
		p := JudgeBinlog(b, "q", 6*time.Hour)
		said := ""
		for _, f := range p.Findings {
			said += f.What.String() + " " + f.Fix + "\n"
		}
		if c.says == "" && p.State() != ops.StateOK || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q lacks %q", name, said, c.says)
		}
	}
}
