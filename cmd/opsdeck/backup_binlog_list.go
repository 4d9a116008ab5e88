package main

import (
	"fmt"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
)

type backupBinlogListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type (
	binlogListJSON struct {
		Server    string        `json:"server"` // the one that is connected to, else the one that wrote last
		Spans     []binlog.Span `json:"spans"`
		Gaps      []binlogGap   `json:"gaps"`
		LagMS     *int64        `json:"lag_ms"` // null: the server could not be asked
		Following bool          `json:"following"`
		SizeBytes int64         `json:"size_bytes"`
	}
	binlogGap struct {
		binlog.Gap
		Healed bool `json:"healed"` // a full backup was made after it
	}
)

// holdings are the spans and gaps of all servers in the archive.
type holdings struct {
	spans []binlog.Span
	gaps  []binlogGap
	size  int64
	last  string // the server that wrote last
}

// holdings reads the archive.
func (sh *shelf) holdings() (holdings, error) {
	h := holdings{spans: []binlog.Span{}, gaps: []binlogGap{}}
	folder := sh.archive()
	servers, err := folder.Servers()
	if err != nil {
		return h, err
	}
	healed := sh.healedBefore()
	var newest time.Time
	for _, id := range servers {
		segments, err := folder.Segments(id)
		if err != nil {
			return h, sh.binlogError(err)
		}
		spans, gaps := binlog.Spans(segments)
		for _, s := range spans {
			h.size += s.SizeBytes
			if h.last == "" || s.ToTime.After(newest) {
				h.last, newest = s.Server, s.ToTime
			}
		}
		h.spans = append(h.spans, spans...)
		for _, g := range gaps {
			// The log's times may be whole seconds: of the same one nothing is proved.
			h.gaps = append(h.gaps, binlogGap{g, !healed.IsZero() && healed.Truncate(time.Second).After(g.ToTime)})
		}
	}
	return h, nil
}

// healedBefore is the moment of the newest good full backup: what is missing of the
// log before it is not needed to restore what comes after.
func (sh *shelf) healedBefore() time.Time {
	inv, err := sh.readOrNone(sh.ctx)
	if err != nil {
		return time.Time{}
	}
	if s := backup.Newest(inv, inv.Database); s != nil {
		return s.At
	}
	return time.Time{}
}

// lag is how far the archive is behind the server, which is asked; known is false
// when it does not answer.
func (sh *shelf) lag(h holdings) (server string, lag time.Duration, known bool) {
	target, err := mysql.Resolve(sh.service.Database)
	if err != nil {
		return h.last, 0, false
	}
	s, err := reader.Ask(sh.ctx, target)
	if err != nil || !s.Logging {
		return h.last, 0, false
	}
	var at *binlog.Span
	for i := range h.spans {
		if h.spans[i].Server == s.ID {
			at = &h.spans[i]
		}
	}
	if at == nil {
		return s.ID, 0, false
	}
	if at.ToFile == s.Now.File && at.ToPos >= s.Now.Pos {
		return s.ID, 0, true
	}
	return s.ID, max(0, sh.clock.Now().Sub(at.ToTime)), true
}

// Run lists the archive.
func (c *backupBinlogListCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	h, err := sh.holdings()
	if err != nil {
		return err
	}
	doc := binlogListJSON{Spans: h.spans, Gaps: h.gaps, SizeBytes: h.size}
	var lag time.Duration
	var known bool
	if doc.Server, lag, known = sh.lag(h); known {
		ms := lag.Milliseconds()
		doc.LagMS = &ms
	}
	if doc.Following, err = sh.archive().Following(); err != nil {
		return err
	}
	if c.JSON {
		return a.json(doc)
	}
	sh.sayHoldings(doc, lag, known)
	return nil
}

func (sh *shelf) sayHoldings(doc binlogListJSON, lag time.Duration, known bool) {
	if len(doc.Spans) == 0 {
		sh.note(lang.M("the archive of the binary log is empty; begin with: opsdeck backup binlog fetch, or follow"))
		return
	}
	head := []string{sh.lang.T("from"), sh.lang.T("to"), sh.lang.T("files"), sh.lang.T("size"), sh.lang.T("server")}
	t := cells.Table{Head: head, Right: []int{2, 3}, Max: sh.width()}
	for _, s := range doc.Spans {
		from, to := sh.edge(s.FromTime, s.FromFile, s.FromPos), sh.edge(s.ToTime, s.ToFile, s.ToPos)
		t.Rows = append(t.Rows, []string{from, to, fmt.Sprint(s.Files),
			human.Bytes(s.SizeBytes), termsafe.Line(s.Server)})
	}
	fmt.Fprint(sh.out, t)
	for _, g := range doc.Gaps {
		if g.Healed {
			sh.say(lang.M("gap: %s; a full backup was made after it", gapText(g.Gap)))
		} else {
			sh.say(lang.M("GAP: %s", gapText(g.Gap)))
		}
	}
	switch {
	case !known:
		sh.say(
			lang.M("how far the server is ahead is not known: it could not be asked, or the archive has nothing of it"),
		)
	case lag == 0:
		sh.say(lang.M("the archive holds all that the server has written"))
	default:
		sh.say(
			lang.M("the archive is behind: its last transaction is %s old", human.Duration(lag.Truncate(time.Second))),
		)
	}
	if !doc.Following {
		sh.note(lang.M("nobody follows the server now"))
	}
}

func (sh *shelf) edge(at time.Time, file string, pos uint64) string {
	return fmt.Sprintf("%s  %s:%d", sh.when(at), termsafe.Line(file), pos)
}

type backupBinlogVerifyCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type (
	binlogVerifyJSON struct {
		Verified []binlogVerifiedJSON `json:"verified"`
		Gaps     []binlogGap          `json:"gaps"`
		Good     int                  `json:"good"`
		Bad      int                  `json:"bad"`
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
func (c *backupBinlogVerifyCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	h, err := sh.holdings()
	if err != nil {
		return err
	}
	keys, err := sh.identities()
	if err != nil {
		return err
	}
	doc := binlogVerifyJSON{Verified: []binlogVerifiedJSON{}, Gaps: h.gaps}
	for _, span := range h.spans {
		for _, s := range span.Segments {
			r := sh.archive().Verify(a.ctx, s, keys, nil)
			if a.ctx.Err() != nil {
				return a.ctx.Err()
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
	sealed, open := 0, 0
	for _, v := range doc.Verified {
		if v.Sealed {
			sealed++
		}
	}
	for _, g := range doc.Gaps {
		if !g.Healed {
			open++
		}
		if !c.JSON {
			sh.say(lang.M("GAP: %s", gapText(g.Gap)))
		}
	}
	switch {
	case doc.Bad > 0:
		return ops.E(ops.Failed, lang.M("%d of %d files of the archive are bad", doc.Bad, doc.Bad+doc.Good)).
			WithHint(lang.M("move the damaged file away and make a full backup: opsdeck backup create"))
	case open > 0:
		return ops.E(ops.Failed, lang.M("the archive has %d gaps that no full backup heals", open)).
			WithHint(lang.M("opsdeck backup create"))
	case c.JSON:
	case len(doc.Verified) == 0:
		sh.note(lang.M("the archive of the binary log is empty; begin with: opsdeck backup binlog fetch, or follow"))
	case sealed > 0:
		sh.say(
			lang.M(
				"%d files are whole by their hashes; %d are encrypted and could not be read without the key",
				doc.Good,
				sealed,
			),
		)
	default:
		sh.say(lang.M("%d files are good, and each goes on where the one before ends", doc.Good))
	}
	return nil
}
