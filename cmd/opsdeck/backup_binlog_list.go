package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/site/backups"
)

type backupBinlogListCmd struct {
	Copy string `placeholder:"NAME" help:"List what this copy has, instead of the local archive."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type binlogListJSON struct {
	Server    string        `json:"server"` // the one that is connected to, else the one that wrote last
	Spans     []binlog.Span `json:"spans"`
	Gaps      []backups.Gap `json:"gaps"`
	LagMS     *int64        `json:"lag_ms"` // null: the server could not be asked
	Following bool          `json:"following"`
	SizeBytes int64         `json:"size_bytes"`
	Unusable  []string      `json:"unusable"`  // files that are in the archive and cannot be used, and why
	SetAside  []string      `json:"set_aside"` // files that could not be used
	Unlogged  string        `json:"unlogged"`  // the server's setting that leaves the database out of its log

	Copies []binlogAtCopyJSON `json:"copies"` // as they were last looked at

	// Stops is the first transaction, after the newest full backup, that a replay cannot do;
	// null: none was found. StopsKnown is false if the statements could not be looked at.
	Stops      *replay.Stop `json:"stops"`
	StopsKnown bool         `json:"stops_known"`
}

// Run lists the archive.
func (c *backupBinlogListCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if c.Copy != "" {
		return c.listCopy(ctx, sh)
	}
	h, err := sh.Binlog().Holdings(ctx)
	if err != nil {
		return err
	}
	doc := binlogListJSON{Spans: h.Spans, SizeBytes: h.Size, Unlogged: h.Unlogged}
	for _, f := range h.Faults {
		doc.Unusable = append(doc.Unusable, f.Error())
		if !c.JSON {
			sh.say(lang.M("BAD: %s", f.Sentence()))
		}
	}
	for _, s := range h.Aside {
		doc.SetAside = append(doc.SetAside, s.Name)
	}
	if len(h.Aside) > 0 && !c.JSON {
		sh.say(lang.M("unusable files that were set aside: %d, %s, in %s; pruning removes those older than every kept "+
			"backup", len(h.Aside), human.Bytes(sizeOf(h.Aside)), human.Shell(sh.Binlog().Archive().Dir)))
	}
	there, err := sh.Offsite().LogsThere()
	if err != nil {
		return err
	}
	for _, at := range there {
		doc.Copies = append(doc.Copies, atCopyJSON(at))
	}
	stop, stopErr := sh.Binlog().Outlook(ctx, true)
	doc.Stops, doc.StopsKnown = stop, stopErr == nil
	live := sh.Binlog().Live(ctx, h)
	doc.Server, doc.Gaps = live.Server, h.With(live).Gaps
	if live.Known {
		ms := live.Lag.Milliseconds()
		doc.LagMS = &ms
	}
	if doc.Following, err = sh.Binlog().Archive().Following(live.Server); err != nil {
		return err
	}
	if c.JSON {
		return a.json(doc)
	}
	if h.Unlogged != "" {
		sh.say(backups.UnloggedText(sh.Service.Database.Name, h.Unlogged))
	}
	return sayHoldings(sh, doc, live, stopErr)
}

func sayHoldings(sh *shelf, doc binlogListJSON, live backups.Live, unknown error) error {
	if len(doc.Spans) == 0 {
		if err := sh.sayEmpty(); err != nil {
			return err
		}
		sayCopies(sh, doc.Copies)
		return nil
	}
	saySpans(sh, doc.Spans)
	for _, g := range doc.Gaps {
		sayGap(sh, g)
	}
	sayStop(sh, doc.Stops, unknown)
	switch {
	case !live.Known:
		sh.say(lang.M("lag unknown: the server could not be asked, or the archive has no log of it"))
	case live.Lag == 0 && doc.Unlogged != "":
		sh.say(lang.M("the archive reaches the end of the server's log, in which changes of %s are missing",
			sh.Service.Database.Name))
	case live.Lag == 0 && len(doc.Gaps) > 0:
		sh.say(lang.M("the archive reaches the end of the server's log, except for the gaps above"))
	case live.Lag == 0:
		sh.say(lang.M("the archive has everything that the server has written"))
	case live.Gap != nil:
		sh.say(
			lang.M("the archive lags: its last transaction is %s old", human.Duration(live.Lag.Truncate(time.Second))),
		)
	default:
		sh.say(lang.M("the archive lags: the oldest change that it lacks is %s old",
			human.Duration(live.Lag.Truncate(time.Second))))
	}
	sayCopies(sh, doc.Copies)
	if !doc.Following {
		sh.note(lang.M("no process is following the server now"))
	}
	return nil
}

type backupBinlogVerifyCmd struct {
	Copy string `placeholder:"NAME" help:"Verify what this copy has, instead of the local archive."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type (
	binlogVerifyJSON struct {
		Verified []binlogVerifiedJSON `json:"verified"`
		Gaps     []backups.Gap        `json:"gaps"`
		Good     int                  `json:"good"`
		Bad      int                  `json:"bad"`
		Unread   int                  `json:"unread_lines"` // of the manifest; the indexes say the same
	}
	binlogVerifiedJSON struct {
		Server string `json:"server"`
		File   string `json:"file"`
		Name   string `json:"name"`
		State  string `json:"state"`  // good or bad
		Sealed bool   `json:"sealed"` // encrypted, and only hashes were proved
		Events int64  `json:"events"`
		Error  string `json:"error,omitempty"`
	}
)

// Run proves the archive. It ends with 1 when a file is bad, or when a gap is not
// healed by a full backup.
func (c *backupBinlogVerifyCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if c.Copy != "" {
		return c.verifyCopy(ctx, sh)
	}
	h, err := sh.Binlog().Holdings(ctx)
	if err != nil {
		return err
	}
	keys, err := sh.Identities()
	if err != nil {
		return err
	}
	doc := binlogVerifyJSON{Gaps: h.Gaps, Unread: h.Unread}
	for _, f := range h.Faults {
		doc.unusable(f)
		if !c.JSON {
			a.say(lang.M("BAD: %s", f.Sentence()))
		}
	}
	for _, span := range h.Spans {
		for _, s := range span.Segments {
			r := sh.Binlog().Archive().Verify(ctx, s, keys, nil)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			doc.add(r)
			if !c.JSON && r.Err != nil {
				a.say(lang.M("BAD: %s", r.Err.Error()))
			}
		}
	}
	if c.JSON {
		if err := a.json(doc); err != nil {
			return err
		}
	}
	return c.verdict(sh, doc)
}

func (d *binlogVerifyJSON) unusable(f binarchive.Fault) {
	d.Bad++
	d.Verified = append(d.Verified, binlogVerifiedJSON{
		Server: f.Server,
		Name:   f.Name,
		State:  "bad",
		Error:  f.Error(),
	})
}

func (d *binlogVerifyJSON) add(r binarchive.Checked) {
	s := r.Segment
	j := binlogVerifiedJSON{
		Server: s.Server,
		File:   s.File,
		Name:   s.Name,
		State:  "good",
		Sealed: r.Sealed,
		Events: r.Events,
	}
	if r.Err != nil {
		j.State, j.Error = "bad", r.Err.Error()
		d.Bad++
	} else {
		d.Good++
	}
	d.Verified = append(d.Verified, j)
}

func (c *backupBinlogVerifyCmd) verdict(sh *shelf, doc binlogVerifyJSON) error {
	sealed := 0
	for _, v := range doc.Verified {
		if v.Sealed {
			sealed++
		}
	}
	for _, g := range doc.Gaps {
		if !c.JSON {
			sayGap(sh, g)
		}
	}
	if doc.Unread > 0 && !c.JSON {
		sh.say(lang.M("%d lines of the archive's manifest cannot be read; the indexes of the files replace them",
			doc.Unread))
	}
	gaps := openGaps(doc.Gaps, lang.M("the archive"))
	switch {
	case doc.Bad > 0:
		return ops.E(ops.Failed, lang.M("%d of %d files of the archive are bad", doc.Bad, doc.Bad+doc.Good)).
			WithHint(lang.M("move the damaged file away, fetch again what the server still has of it: %s; if a gap "+
				"remains, make a full backup: %s", "opsdeck backup binlog fetch", "opsdeck backup create"))
	case gaps != nil:
		return gaps
	case c.JSON:
	case len(doc.Verified) == 0:
		return sh.sayEmpty()
	case sealed > 0:
		sh.say(lang.M("the hashes of %d files match; %d are encrypted and could not be read without the key", doc.Good,
			sealed))
	case len(doc.Gaps) > 0:
		sh.say(lang.M("%d files are good, with %d gaps between them", doc.Good, len(doc.Gaps)))
	default:
		sh.say(lang.M("%d files are good, and each continues where the previous one ends", doc.Good))
	}
	return nil
}
