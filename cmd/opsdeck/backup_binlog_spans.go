package main

import (
	"fmt"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/site/backups"
)

// openGaps is the error of gaps that no full backup was made after, of what has them;
// nil without any.
func openGaps(gaps []backups.Gap, of lang.Msg) error {
	open := 0
	for _, g := range gaps {
		if !g.Healed {
			open++
		}
	}
	if open == 0 {
		return nil
	}
	return ops.E(ops.Failed, lang.M("%s has %d gaps with no full backup after them", of, open)).
		WithHint(lang.M("opsdeck backup create"))
}

// sayGap says what is missing, loudly when no full backup was made after it.
func sayGap(sh *shelf, g backups.Gap) {
	if g.Healed {
		sh.say(lang.M("gap: %s; there is a full backup after it", backups.GapText(g.Gap)))
	} else {
		sh.say(lang.M("GAP: %s", backups.GapText(g.Gap)))
	}
}

// sayStop says which statement ends what a restore can reach.
func sayStop(sh *shelf, stop *replay.Stop, unknown error) {
	if unknown != nil {
		sh.say(lang.M("whether a replay can do all statements in the archive is unknown: %s", sh.explain(unknown).What))
	}
	if stop != nil {
		sh.say(lang.M("STOP: %s", backups.StopText(*stop)))
		sh.say(lang.M("no restore reaches a later moment; make a full backup now: opsdeck backup create"))
	}
}

func (sh *shelf) edge(at time.Time, file string, pos uint64) string {
	return fmt.Sprintf("%s  %s:%d", sh.when(at), termsafe.Line(file), pos)
}

// sayEmpty says that the archive here holds nothing, and how it gets something: from a
// copy that holds it, else from the server.
func (sh *shelf) sayEmpty() error {
	there, err := sh.Offsite().LogsThere()
	if err != nil {
		return err
	}
	for _, at := range there {
		if len(at.Spans) > 0 {
			sh.note(lang.M("the binlog archive is empty; the copy %s has one; fetch it with: opsdeck backup "+
				"binlog fetch --copy %s", at.Copy, at.Copy))
			return nil
		}
	}
	sh.note(lang.M("the binlog archive is empty; start with: opsdeck backup binlog fetch, or follow"))
	return nil
}

// saySpans is the table of spans.
func saySpans(sh *shelf, spans []binlog.Span) {
	head := []string{sh.lang.T("from"), sh.lang.T("to"), sh.lang.T("files"), sh.lang.T("size"), sh.lang.T("server")}
	t := cells.Table{Head: head, Right: []int{2, 3}, Max: sh.width()}
	for _, s := range spans {
		from := sh.edge(s.FromTime, s.FromFile, s.FromPos)
		to := sh.edge(s.ToTime, s.ToFile, s.ToPos)
		t.Rows = append(t.Rows, []string{from, to, fmt.Sprint(s.Files),
			human.Bytes(s.SizeBytes), termsafe.Line(s.Server)})
	}
	fmt.Fprint(sh.out, t)
}
