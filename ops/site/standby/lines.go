package standby

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"time"
)

// Lines say how a standby is.
func (s Standing) Lines(now time.Time) (said []lang.Msg) {
	said = append(said, s.Headline(now))
	if s.Schema != "" && s.Gone.Empty() {
		said = append(said, lang.M("  database %s, %s; loaded from %s", s.Schema, human.Bytes(s.SizeBytes), s.Backup))
	}
	if s.Place.File != "" && s.Gone.Empty() {
		said = append(said, lang.M("  the binlog is applied up to %s", s.Place.Position.String()))
	}
	if s.Check != nil {
		said = append(said, lang.M("  %s", CheckText(s.Check)))
	}
	if !s.Paused.Empty() {
		said = append(said, lang.M("  it pauses: %s", s.Paused.Msg))
	}
	for _, x := range s.Rest {
		said = append(said, x.text())
	}
	if s.Remains() {
		said = append(said, lang.M("  remove it with: %s", "opsdeck restore standby remove"))
	}
	return said
}

// text says of a database beside the standby what it is.
func (x Leftover) text() lang.Msg {
	if x.Restore != "" {
		return lang.M("  %s (%s) was used by the restore %s; opsdeck restore drop-old %s removes what is left of it",
			x.Schema, human.Bytes(x.SizeBytes), x.Restore, x.Restore)
	}
	return lang.M("  %s (%s) is named like a standby, but is not in the record of this state folder", x.Schema,
		human.Bytes(x.SizeBytes))
}

// Removal says what would be dropped, and what comes of it.
func (s Standing) Removal(names []string) (said []lang.Msg) {
	for _, name := range names {
		said = append(said, lang.M("%s will be dropped", name))
	}
	if s.On {
		said = append(said, lang.M("restore.standby is on: watch builds a new one; set it to false first to keep none"))
	}
	return said
}
