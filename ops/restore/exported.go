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
