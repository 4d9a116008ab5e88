package report_test

import (
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
)

// TestAnUndoneRestoreLostOnlyWhatTheUndoRemoved: what the restore had removed is back, and its
// export is not to be loaded. Commands stand in code blocks, as they are typed.
func TestAnUndoneRestoreLostOnlyWhatTheUndoRemoved(t *testing.T) {
	loss := func(table string, rows int64) restore.Loss {
		return restore.Loss{Since: ended, Tables: []restore.LossTable{{Table: table, Newer: rows}}}
	}
	p := &restore.Plan{Mode: restore.Swap, Client: "mysql", Target: restore.Target{Live: "shop"},
		Exported: []string{"/e/orders.sql"}, Assessment: &restore.Assessment{Loss: loss("orders", 207)}}
	s := restore.Snapshot{Stage: restore.Done, Trail: []restore.Mark{{Stage: restore.Saving, Begin: ended,
		Notes: []restore.Note{restore.N(p.LoadExportedText(p.Exported)), restore.RawNote("a | b")}}}}
	const block = "\n    for f in %/*.sql; do mysql shop < \"$f\" || echo \"not loaded: $f\"; done\n"
	expect := func(text string, is bool, words ...string) {
		t.Helper()
		for _, w := range words {
			if strings.Contains(text, w) != is {
				t.Errorf("%q is there: %v\n%s", w, !is, text)
			}
		}
	}
	text := report.Tell(p, s, ended).Markdown(lang.For("en"))
	expect(text, true, "## What was lost", "| orders | 207 |", strings.ReplaceAll(block, "%", "/e"), "  - a | b\n")
	expect(text, false, "(the tables' triggers fire)", `\|`)

	removed := loss("refunds", 51)
	s.Stage, s.Data.Lost, s.Data.Exports = restore.Undone, &removed, []string{"/later/refunds.sql"}
	text = report.Tell(p, s, ended).Markdown(lang.For("en"))
	expect(text, true, "removed what was written since the restore: 51 newer rows.", "Exported to: /later",
		"## What the undo removed", "| refunds | 51 |", strings.ReplaceAll(block, "%", "/later"))
	expect(text, false, "What was lost", "207", "/e/")

	s.Data.Lost, s.Data.Exports = &restore.Loss{Since: ended}, nil
	text = report.Tell(p, s, ended).Markdown(lang.For("en"))
	expect(text, true, "Nothing: nothing was written since the restore.")
	expect(text, false, "compared with the backup", "for f in")
}
