package restoreview

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// TestTheListOfTablesSaysWhatIsLost holds that the list of tables and that of the
// losses say the same number, where rows were deleted since the backup too, and that
// what is not known is not said to be nothing.
func TestTheListOfTablesSaysWhatIsLost(t *testing.T) {
	d := scenes()["plan"]
	if d == nil {
		for _, d = range scenes() {
			if d.plan != nil && d.run == nil {
				break
			}
		}
	}
	p := newPage("en", d)
	loss := &p.base.plan.Assessment.Loss
	loss.Tables = []restore.LossTable{{Table: "orders", Newer: 40}, {Table: "notes", Newer: 7, Estimate: true}}
	loss.Unknown, loss.Missing, loss.Unseen = []string{"dark"}, nil, []string{"half"}
	rows := [][4]string{
		{"table", "rows now", "in the backup", ""},
		{"orders", "1,200", "1,172", "OK"}, // 12 of the backup's were deleted since
		{"notes", "10", "3", "OK"},
		{"same", "5", "5", "OK"},
		{"dark", "~9", "9", "OK"},
		{"half", "9", "9", "OK"},
		{"new", "3", "–", "not in the backup"},
	}
	if got, want := fmt.Sprintf("%q", p.asking.lostOf(rows)),
		`["lost" "  40" "  ~7" "   0" "   ?" "   ?" "   –"]`; got != want {
		t.Errorf("the column reads\n%s, want\n%s", got, want)
	}
}

// TestTheTablesOfAPlanThatBeganAreNotThoseOfNow holds that the counts that a plan was
// made of are not called the present ones once its restore has begun.
func TestTheTablesOfAPlanThatBeganAreNotThoseOfNow(t *testing.T) {
	for scene, want := range map[string]string{
		"plan":    "The tables now|rows now",
		"loading": "The tables before the restore|rows before",
		"done":    "The tables before the restore|rows before",
	} {
		p := newPage("en", scenes()[scene])
		view := p.asking.openRows()().(page.Open).Overlay.View(page.Size{Width: 80, Height: 24})
		for _, words := range append(strings.Split(want, "|"), "CHECK TABLE") {
			if !strings.Contains(view, words) {
				t.Errorf("%s: %q is not in\n%s", scene, words, view)
			}
		}
	}
}
