package restore

import (
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/lang"
)

// TestAnAnswerSaysWhatItSkips compares the texts of answers that continue without
// something: one text must not cover two risks.
func TestAnAnswerSaysWhatItSkips(t *testing.T) {
	type answer struct {
		stage Stage
		kind  Kind
	}
	want := map[answer]string{
		{AskSkip, KindSkip}:        "back up without these tables: orders",
		{AskSave, KindSkip}:        "restore without an emergency backup",
		{AskQuiet, KindGoOn}:       "continue despite writes; those writes are lost",
		{AskVerify, KindGoOn}:      "use the loaded data although its verification failed",
		{AskUndoExport, KindGoOn}:  "undo without exporting newer rows",
		{AskVerify, KindLeave}:     "abort, and keep the loaded data",
		{AskSwap, KindLeave}:       "abort, and keep the loaded data",
		{AskKeeping, KindSkip}:     "back up without these tables: orders",
		{AskKeeping, KindLeave}:    "end without the emergency backup; the old tables stay",
		{AskReport, KindLeave}:     "end without the report",
		{AskClean, KindLeave}:      "keep the loaded data; remove it yourself",
		{AskAbortStart, KindLeave}: "end without starting the service",
		{AskUndoStart, KindLeave}:  "end without starting the service",
		{AskAbortReady, KindLeave}: "end although the service is not ready",
		{AskUndoReady, KindLeave}:  "end although the service is not ready",
		{AskDrop, KindLeave}:       "keep the tables that could not be dropped",
	}
	vague := []Kind{KindSkip, KindGoOn, KindLeave}
	got := 0
	for _, stage := range allStages() {
		s := Snapshot{Stage: stage, Mode: Swap, Database: "sales"}
		s.Data.Unreadable = []string{"orders"}
		for _, k := range s.Answers() {
			text := s.Label(k)
			if zh := lang.Chinese().Msg(text); zh == text.String() ||
				strings.ContainsAny(strings.ReplaceAll(zh, "orders", ""), "abcdefghij") {
				t.Errorf("%s at %s in Chinese: %s", k, stage, zh)
			}
			if !slices.Contains(vague, k) {
				continue
			}
			got++
			if text.String() != want[answer{stage, k}] {
				t.Errorf("%s at %s: %q", k, stage, text)
			}
		}
	}
	if got != len(want) {
		t.Errorf("%d answers, want %d", got, len(want))
	}
}
