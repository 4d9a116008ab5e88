package restores

import (
	"context"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore/run"
)

// LaterTexts say what an undo would lose. A server that cannot be asked is no
// reason not to undo: the undo itself exports before it goes back.
func LaterTexts(ctx context.Context, d *Desk, r *run.Run) (said []lang.Msg) {
	loss, err := d.Later(ctx, r)
	if err != nil {
		said = append(said, lang.M("the rows written since the restore cannot be counted now: %s", err.Error()))
		return said
	}
	for _, t := range loss.Tables {
		if t.Newer+t.Changed > 0 || t.Vanishes {
			said = append(said, lang.M("  written since the restore; exported, then removed: %s",
				lang.Raw(t.Line(d.Lang))))
			continue
		}
		said = append(said, lang.M("  deleted since the restore; the undo can bring them back: %s",
			lang.Raw(t.Line(d.Lang))))
	}
	for _, doubt := range loss.Doubts() {
		said = append(said, lang.M("  %s", doubt))
	}
	return said
}
