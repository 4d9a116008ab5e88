package doctor

import (
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Binlog are the facts about a server's binary log. A setting that the server does
// not know is "".
type Binlog struct {
	Account  Account
	On       bool
	Format   string        // ROW, MIXED or STATEMENT
	RowImage string        // FULL, MINIMAL, NOBLOB
	Sync     string        // sync_binlog
	Expire   time.Duration // zero: never
	Unlogged string        // the setting that leaves the service's database out of the log; "" for none

	Encrypted    bool // the server encrypts it on its disk; what it sends is not encrypted
	PlainArchive bool // the archive of it is not encrypted

	// Files is where the server's log files can be read in place of the connection, NoFiles
	// why they cannot. Both are empty if the account has the right to receive the log.
	Files   string
	NoFiles lang.Msg
}

// receive is the right to receive the log.
const receive = "REPLICATION SLAVE"

// Receives reports whether the account may receive the server's log.
func (b Binlog) Receives() bool {
	return b.Account.lacks(right{mysql: receive, maria: receive}, "") == ""
}

// rights are the findings about the rights to archive the log.
func (b Binlog) rights() (out []Finding) {
	for _, f := range b.Account.Lacks(Archive, Places{}) {
		switch {
		case !strings.Contains(f.Fix, receive):
		case b.Files != "":
			f.What = lang.M("the privilege %s is missing: the binlog is read from the server's files in %s instead; "+
				"that brings it up to a second later, in a container by copying the current file whole each time, and "+
				"the server does not know of this reader", receive, b.Files)
		case !b.NoFiles.Empty():
			out = append(out, f)
			f = Finding{State: f.State, What: lang.M("without the privilege %s the binlog could be read from the "+
				"server's files on this machine, or in the container database.container, but: %s", receive, b.NoFiles)}
		}
		out = append(out, f)
	}
	return out
}

// JudgeBinlog makes the point of whether the binary log serves an archive: it says
// of each setting what it costs. every is how often the archive is brought up to date.
func JudgeBinlog(b Binlog, service string, every time.Duration) Point {
	p := Point{
		Name:    "binary-log",
		Service: service,
		Seen:    lang.M("the binlog can be archived: row format, full row images, synced to disk at each commit"),
	}
	add := func(state ops.State, what lang.Msg, fix string) {
		p.Findings = append(p.Findings, Finding{State: state, What: what, Fix: fix})
	}
	if !b.On {
		add(ops.StateWarning, lang.M("the binlog is off: what was written after a backup cannot be restored"),
			"log_bin = binlog")
		return p
	}
	if b.Unlogged != "" {
		fix := ""
		if name, off := strings.CutSuffix(b.Unlogged, "=OFF"); off {
			fix = name + " = ON"
		}
		add(
			ops.StateCritical,
			lang.M("the server does not log this database's changes (%s): what was written after a backup cannot be "+
				"restored", b.Unlogged),
			fix,
		)
	}
	p.Findings = append(p.Findings, b.rights()...)
	if b.Format != "" && b.Format != "ROW" {
		add(
			ops.StateWarning,
			lang.M(
				"binlog_format is %s: the log does not show which rows a statement changed; transactions cannot "+
					"be undone",
				b.Format,
			),
			ops.SetGlobal("binlog_format = ROW"),
		)
		if missing, grant := b.Account.Blind(""); len(missing) > 0 {
			add(ops.StateWarning, lang.M("this user may not see all triggers, views and routines of other databases "+
				"(missing: %s): a restore to a point in time does not notice what they change in this database",
				strings.Join(missing, ", ")), grant)
		}
	}
	if b.RowImage != "" && b.RowImage != "FULL" {
		add(
			ops.StateWarning,
			lang.M("binlog_row_image is %s: the old values are not in the log; transactions cannot be undone",
				b.RowImage),
			ops.SetGlobal("binlog_row_image = FULL"),
		)
	}
	if b.Sync != "" && b.Sync != "1" {
		add(ops.StateWarning,
			lang.M("sync_binlog is %s: a power failure can lose acknowledged transactions from the log", b.Sync),
			ops.SetGlobal("sync_binlog = 1"))
	}
	if b.Encrypted && b.PlainArchive {
		add(ops.StateWarning,
			lang.M("the server encrypts its binlog, and the archive of it is not encrypted: set backup.recipients"), "")
	}
	if b.Expire > 0 && b.Expire < 2*every {
		add(
			ops.StateWarning,
			lang.M("the server removes its log after %s: a fetch that fails once leaves a gap",
				human.Duration(b.Expire)),
			ops.SetGlobal("binlog_expire_logs_seconds = 604800"),
		)
	}
	return p
}
