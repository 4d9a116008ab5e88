package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
)

// backupBinlogCmd is the group of the verbs of the binary log's archive.
type backupBinlogCmd struct {
	Follow backupBinlogFollowCmd `cmd:"" help:"Archive the binary log as the server writes it, until stopped."`
	Fetch  backupBinlogFetchCmd  `cmd:"" help:"Archive once what is new in the binary log."`
	List   backupBinlogListCmd   `cmd:"" help:"List what the archive holds: spans, gaps, size, lag."`
	Verify backupBinlogVerifyCmd `cmd:"" help:"Prove the archive: hashes, every event's checksum, continuity."`
}

type backupBinlogFollowCmd struct {
	DryRun bool `help:"Say where it would begin, do nothing."`
}

type backupBinlogFetchCmd struct {
	Flush  bool `help:"End the server's current file first (FLUSH BINARY LOGS)."`
	DryRun bool `help:"Say what would be fetched, do nothing."`
	JSON   bool `name:"json" help:"Print JSON."`
}

// archive is where the binary log of the service is kept.
func (sh *shelf) archive() binarchive.Folder {
	return binarchive.Folder{Dir: filepath.Join(sh.dir, binarchive.FolderName)}
}

// binlogOptions are what a follower of this service needs.
func (sh *shelf) binlogOptions(what string) (binarchive.Options, error) {
	o := binarchive.Options{Folder: sh.archive(), Recipients: sh.service.Backup.Recipients}
	o.Who = lock.Holder{User: oplog.UserName(), What: what}
	var err error
	if o.Target, err = mysql.Resolve(sh.service.Database); err != nil {
		return o, err
	}
	// A key helps to understand what is gone on with; none is needed to go on.
	o.Keys, _ = sh.identities()
	o.Start = sh.oldestFile()
	return o, nil
}

// oldestFile is the log file in which the oldest full backup stands; "" when it is
// not known.
func (sh *shelf) oldestFile() string {
	inv, err := sh.read()
	if err != nil {
		return ""
	}
	set := oldestFull(inv)
	if set == nil {
		return ""
	}
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return ""
	}
	return m.Position.File
}

// oldestFull is the oldest full backup that a restore may take.
func oldestFull(inv *backup.Inventory) (oldest *backup.Set) {
	for _, s := range inv.Sets {
		if s.Restorable(inv.Database) && s.State != backup.Bad {
			oldest = s
		}
	}
	return oldest
}

// Run follows the server until it is told to stop.
func (c *backupBinlogFollowCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.DryRun {
		return sh.sayWhere()
	}
	o, err := sh.binlogOptions("backup binlog follow")
	if err != nil {
		return err
	}
	o.Follow, o.Tell = true, sh.tellBinlog
	a.note(lang.M("following the binary log of %s into %s; stop with ctrl-c", o.Target.String(), o.Folder.Dir))
	_, err = binarchive.Run(a.ctx, o)
	if errors.Is(err, context.Canceled) {
		return nil // that is how it ends
	}
	return sh.binlogError(err)
}

// tellBinlog narrates what a follower does.
func (sh *shelf) tellBinlog(n binarchive.Note) {
	switch {
	case n.Begun != nil:
		sh.note(lang.M("%s begins", n.Begun.File))
	case n.Ended != nil:
		sh.note(lang.M("%s is complete: %s, %s in the archive", n.Ended.File,
			human.Bytes(n.Ended.RawBytes), human.Bytes(n.Ended.SizeBytes)))
	case n.Gap != nil:
		sh.note(lang.M("GAP in the archive: %s", gapText(*n.Gap)))
		sh.note(lang.M("make a full backup now: opsdeck backup create"))
	case n.Retry != nil:
		sh.note(lang.M("the connection broke and is tried again: %s", sh.lang.Msg(sh.binlogSentence(n.Retry).What)))
	}
}

// gapText says what is missing and why.
func gapText(g binlog.Gap) lang.Msg {
	from := binlog.Position{File: g.FromFile, Pos: g.FromPos}.String()
	to := binlog.Position{File: g.ToFile, Pos: g.ToPos}.String()
	switch g.Reason {
	case binlog.Reset:
		return lang.M("the server's log began again under the same names after %s; it goes on with %s", from, to)
	case binlog.Cut:
		return lang.M("the server no longer has the rest of the file after %s; it goes on with %s", from, to)
	case binlog.Foreign:
		return lang.M("the transactions before %s are not those that the archive holds up to %s", to, from)
	}
	return lang.M("the files between %s and %s are missing", from, to)
}

// binlogError makes a sentence and a hint of what a follower ends with.
func (sh *shelf) binlogError(err error) error {
	if err == nil {
		return nil
	}
	return sh.binlogSentence(err)
}

func (sh *shelf) binlogSentence(err error) *ops.Error {
	var server *reader.ServerError
	var known *ops.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, binarchive.ErrLogOff):
		return ops.Wrap(err, ops.Config, lang.M("the server's binary log is off: nothing after a backup can be "+
			"restored")).
			WithHint(lang.M("set log_bin in the server's configuration and restart it"))
	case errors.As(err, &server) && server.Code == errSpecialAccess, mysql.Number(err) == errSpecialAccess:
		return ops.Wrap(err, ops.Config, lang.M("this user may not read the binary log")).
			WithHint(lang.Raw(binlogGrant))
	case errors.Is(err, binarchive.ErrDamaged):
		return ops.Wrap(err, ops.Failed, lang.M("the archive of the binary log is damaged")).
			WithHint(lang.M("look with: opsdeck backup binlog verify; move the damaged file away and make a full " +
				"backup"))
	case errors.As(err, &path):
		return ops.Wrap(diskError(err, sh.dir), ops.Failed,
			lang.M("the archive cannot be written; what was kept is whole, and it goes on from there"))
	}
	return sh.explain(err)
}

// errSpecialAccess is the server's error for a right that is missing.
const errSpecialAccess = 1227

// binlogGrant is what a user needs who reads the binary log.
const binlogGrant = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO …"

type binlogFetchJSON struct {
	Server string `json:"server"`
	Files  int    `json:"files"` // that were completed
	Bytes  int64  `json:"bytes"` // of events
	File   string `json:"file"`
	Pos    uint64 `json:"pos"`
	TookMS int64  `json:"took_ms"`
}

// Run fetches once.
func (c *backupBinlogFetchCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.DryRun {
		return sh.sayWhere()
	}
	o, err := sh.binlogOptions("backup binlog fetch")
	if err != nil {
		return err
	}
	o.Tell = sh.tellBinlog
	if c.Flush {
		if err := reader.Flush(a.ctx, o.Target); err != nil {
			return sh.binlogError(err)
		}
	}
	began := time.Now()
	r, err := binarchive.Run(a.ctx, o)
	if err != nil {
		return sh.binlogError(err)
	}
	if c.JSON {
		return a.json(
			binlogFetchJSON{r.Server, r.Segments, r.Bytes, r.At.File, r.At.Pos, time.Since(began).Milliseconds()},
		)
	}
	sh.say(lang.M("%s fetched, up to %s", human.Bytes(r.Bytes), r.At.String()))
	return nil
}

// sayWhere says where the archive would go on, and how much the server has beyond.
func (sh *shelf) sayWhere() error {
	o, err := sh.binlogOptions("")
	if err != nil {
		return err
	}
	server, err := reader.Ask(sh.ctx, o.Target)
	if err != nil {
		return sh.binlogError(err)
	}
	if !server.Logging {
		return sh.binlogError(binarchive.ErrLogOff)
	}
	now := binlog.Position{File: server.Now.File, Pos: server.Now.Pos}.String()
	segments, err := o.Folder.Segments(server.ID)
	if err != nil {
		return sh.binlogError(err)
	}
	if len(segments) == 0 {
		sh.say(lang.M("the archive has nothing of this server; its log ends at %s", now))
		return nil
	}
	last := segments[len(segments)-1]
	end := binlog.Position{File: last.File, Pos: last.ToPos}.String()
	sh.say(lang.M("the archive ends at %s; the server's log ends at %s", end, now))
	return nil
}
