package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/site/backups"
)

type backupBinlogFetchCmd struct {
	Copy   string `placeholder:"NAME" help:"Fetch from this copy into the archive, instead of from the server."`
	Flush  bool   `help:"End the server's current file first (FLUSH BINARY LOGS)."`
	DryRun bool   `help:"Show what would be fetched, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

type binlogFetchJSON struct {
	Server string `json:"server"`
	Files  int    `json:"files"` // that were completed
	Bytes  int64  `json:"bytes"` // of events
	File   string `json:"file"`
	Pos    uint64 `json:"pos"`
	TookMS int64  `json:"took_ms"`

	Gaps  []backups.Gap `json:"gaps"`  // that were found now
	Stops *replay.Stop  `json:"stops"` // as in binlogListJSON
}

// Run fetches once.
func (c *backupBinlogFetchCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.Copy != "" {
		return c.fromCopy(ctx, sh)
	}
	if c.DryRun {
		return sh.sayWhere(ctx)
	}
	o, err := sh.Binlog().BinlogOptions(ctx, "backup binlog fetch")
	if err != nil {
		return err
	}
	o.Tell = sh.Binlog().TellBinlog
	if c.Flush {
		if err := reader.Flush(ctx, o.Target); err != nil {
			return sh.Binlog().BinlogError(err)
		}
	}
	began := time.Now()
	r, err := binarchive.Run(ctx, o)
	if err != nil {
		return sh.Binlog().BinlogError(err)
	}
	h, err := sh.Binlog().Holdings(ctx)
	if err != nil {
		return err
	}
	doc := binlogFetchJSON{Server: r.Server, Files: r.Segments, Bytes: r.Bytes, File: r.At.File, Pos: r.At.Pos,
		TookMS: time.Since(began).Milliseconds(), Gaps: h.Among(r.Gaps)}
	stop, unknown := sh.Binlog().Outlook(ctx, true)
	doc.Stops = stop
	if c.JSON {
		if err := a.json(doc); err != nil {
			return err
		}
	} else {
		sh.say(lang.M("%s fetched, up to %s", human.Bytes(r.Bytes), r.At.String()))
		sayStop(sh, doc.Stops, unknown)
	}
	return openGaps(doc.Gaps, lang.M("the archive"))
}

// sayWhere says where the archive would go on, and how much the server has beyond.
func (sh *shelf) sayWhere(ctx context.Context) error {
	o, err := sh.Binlog().BinlogOptions(ctx, "")
	if err != nil {
		return err
	}
	server, err := o.Folder.Ask(ctx, o.Target)
	if err != nil {
		return sh.Binlog().BinlogError(err)
	}
	if !server.Logging {
		return sh.Binlog().BinlogError(binarchive.ErrLogOff)
	}
	now := binlog.Position{File: server.Now.File, Pos: server.Now.Pos}.String()
	segments, err := o.Folder.Segments(server.ID)
	if err != nil {
		return sh.Binlog().BinlogError(err)
	}
	if len(segments) == 0 {
		sh.say(lang.M("the archive has no log of this server; the server's log ends at %s", now))
		return nil
	}
	last := segments[len(segments)-1]
	end := binlog.Position{File: last.File, Pos: last.ToPos}.String()
	sh.say(lang.M("the archive ends at %s; the server's log ends at %s", end, now))
	return nil
}
