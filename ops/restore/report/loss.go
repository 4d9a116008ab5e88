package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// counted tells when the loss was counted, and whether that was before the last write.
func (a Account) counted() lang.Msg {
	at := human.Moment(a.Lost.CountedAt)
	if a.LostLate {
		return lang.M("The loss was counted at %s: what was written after that is lost too, and not in these numbers.",
			at)
	}
	return lang.M("Counted at %s, when nothing wrote to it any more.", at)
}

func (a Account) lossMarkdown(b *strings.Builder, l *lang.Printer) {
	lost := ahead()
	if a.Result == "restored" || a.Result == "aborted" {
		lost = lossWords{lang.M("What was lost"), lang.M("the table was removed"), restore.NothingLost(a.Lost, false)}
	}
	if a.LostLate && !a.Lost.CountedAt.IsZero() { // later writes were not looked for
		lost.nothing = restore.NothingLost(a.Lost, true)
	}
	lossSection(b, l, lost, a.Lost)
	if over := a.Result == "restored" || a.Result == "aborted"; over && !a.Lost.CountedAt.IsZero() {
		fmt.Fprintf(b, "\n%s\n", l.Msg(a.counted()))
	}
	if a.LostByUndo != nil {
		lossSection(b, l, lossWords{lang.M("What the undo removed"), lang.M("the table was removed"),
			lang.M("Nothing: nothing was written since the restore.")}, *a.LostByUndo)
	}
	if a.Load == "" {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", l.T("Put the exported rows back"))
	fmt.Fprintf(b, "%s\n\n    %s\n",
		l.T("Each file is one transaction: where another row is in the way, nothing of it is "+
			"applied. A row that the backup has too, and that was changed since, is overwritten."), a.Load)
	if a.Replay == nil {
		fmt.Fprintf(b, "\n%s\n", l.T("Deletions are not in these files."))
	}
	if a.Unexported > 0 {
		fmt.Fprintf(b, "\n%s\n", l.Msg(a.unexported()))
	}
}

// unexported tells where the lost rows are that no export has.
func (a Account) unexported() lang.Msg {
	n := human.Count(a.Unexported)
	if a.Emergency == "" {
		return lang.M("%s of the lost rows are in none of these files: they were written after the export.", n)
	}
	most := slices.MaxFunc(a.Lost.Tables, func(x, y restore.LossTable) int {
		return int(x.Newer + x.Changed - y.Newer - y.Changed)
	})
	return lang.M("%s of the lost rows are in none of these files: they were written after the export. The emergency "+
		"backup has them; to see those of a table: %s", n, fmt.Sprintf("opsdeck restore rescue --table %s --from %s "+
		"--missing", human.Shell(most.Table), human.Shell(filepath.Base(a.Emergency))))
}

// lossWords are the words of a loss that is to come, or is over.
type lossWords struct{ title, gone, nothing lang.Msg }

// ahead are those of a loss that is to come.
func ahead() lossWords {
	return lossWords{lang.M("What will be lost"), lang.M("the table will be dropped"),
		lang.M("nothing will be lost: every table was compared with the backup")}
}

func lossSection(b *strings.Builder, l *lang.Printer, words lossWords, loss restore.Loss) {
	if loss.Since.IsZero() && len(loss.Tables)+len(loss.Unknown)+len(loss.Unseen)+len(loss.Missing)+
		len(loss.Objects) == 0 && !loss.Unlisted {
		return // there was no check
	}
	fmt.Fprintf(b, "\n## %s\n", l.Msg(words.title))
	if len(loss.Tables) > 0 {
		fmt.Fprintf(b, "\n| %s | %s | |\n| --- | ---: | --- |\n", l.T("table"), l.T("rows"))
	}
	for _, t := range loss.Tables {
		gone := t.Vanishes
		t.Vanishes = false
		about := t.About(l)
		if gone {
			about = append(about, l.Msg(words.gone))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", mdCell(t.Table), human.Count(t.Newer), strings.Join(about, ", "))
	}
	for _, doubt := range loss.Unsure() {
		fmt.Fprintf(b, "\n%s\n", mdLine(l.Msg(doubt)))
	}
	if loss.Nothing() {
		fmt.Fprintf(b, "\n%s\n", l.Msg(words.nothing))
	}
	if len(loss.Users) > 0 {
		fmt.Fprintf(b, "\n%s\n", l.T("Users active since: %s", mdLine(strings.Join(loss.Users, ", "))))
	}
	if len(loss.Resources) > 0 {
		fmt.Fprintf(b, "\n%s\n", l.T("Resources they changed: %s", mdLine(strings.Join(loss.Resources, ", "))))
	}
}
