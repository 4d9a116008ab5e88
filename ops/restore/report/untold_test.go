package report_test

import (
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
)

// TestAFinishedRestoreNamesWhomNobodyNotified, and its notification, written before that, does not.
func TestAFinishedRestoreNamesWhomNobodyNotified(t *testing.T) {
	p := &restore.Plan{Mode: restore.Swap, Notify: []string{"pager", "mail"}}
	s := restore.Snapshot{Stage: restore.AskNotify, Data: restore.Data{Told: []string{"mail"}}}
	const want = "Not notified: pager."
	if text := report.Tell(p, s, ended).Message(lang.For("en")); strings.Contains(text, want) {
		t.Error(text)
	}
	s.Stage = restore.Done
	if text := report.Tell(p, s, ended).Message(lang.For("en")); !strings.Contains(text, want) {
		t.Error(text)
	}
	s.Data.Told = append(s.Data.Told, "pager")
	if text := report.Tell(p, s, ended).Message(lang.For("en")); strings.Contains(text, "Not notified") {
		t.Error(text)
	}
}
