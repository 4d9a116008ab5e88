package run

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// Unread says what is known of a run that cannot be read, and what to look at.
func (f Folder) Unread(id string, why error) (said []lang.Msg) {
	said = append(said, lang.M("%s cannot be read: %s", id, why.Error()))
	said = append(said, lang.M("  its folder: %s", f.Path))
	lines, err := ReadJournal(f.JournalPath())
	if n := len(lines); err == nil && n > 0 {
		said = append(said,
			lang.M(
				"  its journal's last line, of %s: %s",
				lines[n-1].Time.Local().Format("2006-01-02 15:04:05"),
				lines[n-1].Stage.Label(),
			),
		)
	}
	said = append(said,
		lang.M("  find its databases: SHOW DATABASES LIKE '%s'", "%"+restore.SideSchema("", "", id)[4:]))
	said = append(said, lang.M("  look whether the service runs: opsdeck status"))
	return said
}
