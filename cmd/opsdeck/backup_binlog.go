package main

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/lang"
)

// backupBinlogCmd is the group of the verbs of the binary log's archive.
type backupBinlogCmd struct {
	Follow backupBinlogFollowCmd `cmd:"" help:"Archive the binlog as the server writes it, until stopped; with backup.binlog: follow in the configuration, watch and the installed schedule do that."`
	Fetch  backupBinlogFetchCmd  `cmd:"" help:"Archive what is new in the binlog, once."`
	List   backupBinlogListCmd   `cmd:"" help:"List what the archive contains: spans, gaps, size, lag."`
	Verify backupBinlogVerifyCmd `cmd:"" help:"Verify the archive: hashes, every event's checksum, continuity."`
}

type backupBinlogFollowCmd struct {
	CopyEvery time.Duration `default:"15m" placeholder:"DUR" help:"How often to copy what is new to the configured copies; 0 leaves that to backup sync."`

	DryRun bool `help:"Show where it would start, do nothing."`
}

// Run follows the server until it is told to stop.
func (c *backupBinlogFollowCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.DryRun {
		return sh.sayWhere(ctx)
	}
	o, err := sh.Binlog().BinlogOptions(ctx, "backup binlog follow")
	if err != nil {
		return err
	}
	o.Follow, o.Tell = true, sh.Binlog().TellBinlog
	a.note(lang.M("following the binlog of %s into %s; stop with ctrl-c", o.Target.String(), o.Folder.Dir))
	err = sh.Offsite().FollowBinlog(ctx, o, c.CopyEvery)
	if errors.Is(err, context.Canceled) {
		return nil // that is how it ends
	}
	return sh.Binlog().BinlogError(err)
}
