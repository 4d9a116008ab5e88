package main

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/site/backups"
)

type (
	// binlogAtCopyJSON is how far a copy reaches.
	binlogAtCopyJSON struct {
		Name      string        `json:"name"`
		LookedAt  *time.Time    `json:"looked_at"` // null: never
		ToFile    string        `json:"to_file"`
		ToPos     uint64        `json:"to_pos"`
		ToTime    *time.Time    `json:"to_time"` // null: it holds nothing
		SizeBytes int64         `json:"size_bytes"`
		Pieces    int           `json:"pieces"`
		Spans     []binlog.Span `json:"spans"`
		Gaps      []binlog.Gap  `json:"gaps"`
	}
	binlogFromCopyJSON struct {
		Copy   string     `json:"copy"`
		Files  int        `json:"files"`
		Here   int        `json:"here"` // were in the archive before
		Bytes  int64      `json:"bytes"`
		Taken  []string   `json:"taken"` // not fetched: the archive has another log of that name
		Bad    []string   `json:"bad"`   // damaged at the copy: what these pieces hold was not fetched
		ToTime *time.Time `json:"to_time"`
	}
)

func atCopyJSON(at backups.LogsAt) binlogAtCopyJSON {
	j := binlogAtCopyJSON{
		Name:   at.Copy,
		Pieces: len(at.Pieces),
		Spans:  at.Spans,
		Gaps:   at.Gaps,

		LookedAt: timeOrNull(at.At),
	}
	for _, p := range at.Pieces {
		j.SizeBytes += p.SizeBytes
	}
	if s := binlog.Furthest(at.Spans); s != nil {
		j.ToFile = s.ToFile
		j.ToPos = s.ToPos
		j.ToTime = &s.ToTime
	}
	return j
}

// sayCopies says how far each copy reaches.
func sayCopies(sh *shelf, all []binlogAtCopyJSON) {
	for _, c := range all {
		switch {
		case c.LookedAt == nil:
			sh.say(lang.M("copy %s: not checked from this machine yet; see what it holds: %s; copy the log there: %s",
				c.Name,
				"opsdeck backup binlog list --copy "+human.Shell(c.Name), "opsdeck backup sync"))
		case c.ToTime == nil:
			sh.say(lang.M("copy %s: it has no binlog, as of %s", c.Name, sh.when(*c.LookedAt)))
		default:
			sh.say(lang.M("copy %s: reaches %s, %s, as of %s", c.Name, sh.edge(*c.ToTime, c.ToFile, c.ToPos),
				human.Bytes(c.SizeBytes), sh.when(*c.LookedAt)))
		}
		for _, g := range c.Gaps {
			sh.say(lang.M("copy %s: gap: %s", c.Name, backups.GapText(g)))
		}
	}
}

// listCopy asks a copy what it holds of the binary log.
func (c *backupBinlogListCmd) listCopy(ctx context.Context, sh *shelf) error {
	found, err := sh.Offsite().Copies(c.Copy)
	if err != nil {
		return err
	}
	at, err := sh.Offsite().LookAtLogs(ctx, found[0], sh.flags.ReadOnly)
	if err != nil {
		return err
	}
	if c.JSON {
		return sh.json(atCopyJSON(at))
	}
	if len(at.Spans) > 0 {
		saySpans(sh, at.Spans)
	}
	sayCopies(sh, []binlogAtCopyJSON{atCopyJSON(at)})
	return nil
}

// fromCopy brings what a copy holds into the archive.
func (c *backupBinlogFetchCmd) fromCopy(ctx context.Context, sh *shelf) error {
	if c.Flush {
		return ops.E(ops.Usage, lang.M("--flush and --copy cannot be used together"))
	}
	found, err := sh.Offsite().Copies(c.Copy)
	if err != nil {
		return err
	}
	p := sh.progress()
	out, err := sh.Offsite().FetchLogs(ctx, found[0], c.DryRun, p.report)
	p.done()
	if err != nil {
		return sh.Binlog().BinlogError(err)
	}
	if c.JSON {
		doc := binlogFromCopyJSON{Copy: c.Copy, Files: out.Files, Here: out.Here, Bytes: out.Bytes, Taken: out.Taken,
			Bad: []string{}, ToTime: timeOrNull(out.Reaches)}
		for _, p := range out.Bad {
			doc.Bad = append(doc.Bad, p.Name)
		}
		return errors.Join(sh.json(doc), lostLogs(c.Copy, out.Bad))
	}
	for _, file := range out.Taken {
		sh.note(lang.M("%s was not fetched: the archive has another log with that name", termsafe.Line(file)))
	}
	if c.DryRun {
		sh.say(lang.M("would fetch %d files, %s; the archive already has %d of the copy's files", out.Files,
			human.Bytes(out.Bytes), out.Here))
		return nil
	}
	sh.say(lang.M("%d files fetched from the copy %s, %s; the archive already had %d of its files; it reaches %s",
		out.Files,
		c.Copy, human.Bytes(out.Bytes), out.Here, sh.when(out.Reaches)))
	return lostLogs(c.Copy, out.Bad)
}

// lostLogs is the error about damaged pieces at a copy; nil if there are none.
func lostLogs(name string, bad []binlog.Piece) error {
	if len(bad) == 0 {
		return nil
	}
	return backups.LostLogsError(name, bad)
}

type binlogVerifyCopyJSON struct {
	Copy string        `json:"copy"`
	Good int           `json:"good"` // pieces
	Bad  []string      `json:"bad"`
	Gaps []backups.Gap `json:"gaps"`
}

// verifyCopy lets a copy read its pieces back.
func (c *backupBinlogVerifyCmd) verifyCopy(ctx context.Context, sh *shelf) error {
	found, err := sh.Offsite().Copies(c.Copy)
	if err != nil {
		return err
	}
	if err := sh.writable(); err != nil { // the result is remembered
		return err
	}
	v, at, err := sh.Offsite().VerifyLogs(ctx, found[0], 0)
	if err != nil {
		return err
	}
	healer, err := sh.Offsite().Healer(ctx, found[0])
	if err != nil {
		return err
	}
	doc := binlogVerifyCopyJSON{Copy: c.Copy, Good: v.Good, Gaps: backups.Judged(at.Gaps, healer)}
	for _, p := range v.Bad {
		doc.Bad = append(doc.Bad, p.Name)
	}
	if c.JSON {
		if err := sh.json(doc); err != nil {
			return err
		}
	}
	if len(v.Bad) > 0 {
		return backups.BadLogsError(found[0], v)
	}
	if !c.JSON {
		sh.say(lang.M("%d pieces of the binlog at the copy %s are good", v.Good, c.Copy))
		sayCopies(sh, []binlogAtCopyJSON{atCopyJSON(at)})
	}
	err = openGaps(doc.Gaps, lang.M("the binlog at the copy %s", c.Copy))
	var open *ops.Error
	if !errors.As(err, &open) {
		return err
	}
	// What is here heals it there, once it is sent.
	here := backups.Judged(at.Gaps, sh.Binlog().Healer(ctx))
	if openGaps(here, lang.Msg{}) == nil {
		return open.WithHint(lang.M("send the backup that heals it: opsdeck backup sync"))
	}
	return open.WithHint(lang.M("opsdeck backup create, then opsdeck backup sync"))
}
