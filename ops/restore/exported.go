package restore

import (
	"path/filepath"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// LoadExported is the shell command that puts exported rows back: each table's file is one
// transaction, and a file that cannot be loaded is named. "" where there is nothing to load.
func (p *Plan) LoadExported(files []string) string {
	for _, f := range files {
		if p.Client != "" && strings.HasSuffix(f, ".sql") {
			return "for f in " + human.Shell(filepath.Dir(f)) + "/*.sql; do " + p.Client + " " +
				human.Shell(p.Target.Live) + ` < "$f" || echo "not loaded: $f"; done`
		}
	}
	return ""
}

// LoadExportedText says how exported rows are put back; empty where there is nothing to load.
func (p *Plan) LoadExportedText(files []string) lang.Msg {
	command := p.LoadExported(files)
	if command == "" {
		return lang.Msg{}
	}
	return lang.M("to put the exported rows back (the tables' triggers fire): %s", command)
}
