package restore

import (
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// ExportBehind reports that the plan would lose more rows than its export has: they were
// written since.
func (p *Plan) ExportBehind() bool {
	return p.Assessment != nil && len(p.Exported) > 0 && !p.ExportedAt.IsZero() &&
		p.Assessment.Loss.Rows()+p.Assessment.Loss.Changed() > p.ExportedRows
}

// LossOf is what the restore of a run loses, as it was counted last. late tells that it was
// counted while something may still have written.
func (p *Plan) LossOf(s Snapshot) (loss Loss, late bool) {
	if s.Data.Final != nil {
		return *s.Data.Final, p.Mode == InPlace && (p.Process.Leave || s.Ignored)
	}
	loss = p.Assessment.Loss
	if loss.CountedAt = p.Assessment.At; p.ExportedAt.After(loss.CountedAt) {
		loss.CountedAt = p.ExportedAt
	}
	return loss, true
}

// NothingLost says that nothing was lost; late is as LossOf tells it.
func NothingLost(loss Loss, late bool) lang.Msg {
	if !late {
		return lang.M("Nothing was lost.")
	}
	return lang.M("Nothing was lost of what had been written by %s.", human.Moment(loss.CountedAt))
}

// LoadExported is the shell command that puts exported rows back: each table's file is one
// transaction, and a file that cannot be loaded is named. "" where there is nothing to load.
func (p *Plan) LoadExported(files []string) string {
	var folders []string
	for _, f := range files {
		folder := human.Shell(filepath.Dir(f)) + "/*.sql"
		if p.Client != "" && strings.HasSuffix(f, ".sql") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	if len(folders) == 0 {
		return ""
	}
	return "for f in " + strings.Join(folders, " ") + "; do " + p.Client + " " +
		human.Shell(p.Target.Live) + ` < "$f" || echo "not loaded: $f"; done`
}

// LoadExportedText says how exported rows are put back; empty where there is nothing to load.
func (p *Plan) LoadExportedText(files []string) lang.Msg {
	command := p.LoadExported(files)
	if command == "" {
		return lang.Msg{}
	}
	return lang.M("to put the exported rows back (the tables' triggers fire): %s", command)
}

// LoadsExported reports a note of LoadExportedText.
func (n Note) LoadsExported() bool {
	return n.Key == (&Plan{Client: "-"}).LoadExportedText([]string{".sql"}).Key
}
