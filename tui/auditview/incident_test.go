package auditview

import (
	"testing"
	"time"

	"opsdeck/ops/audit"
	"opsdeck/tui/page"
)

func TestTheIncidentPutsTheCursorOnItsRow(t *testing.T) {
	p := settled(t, "en", sample(t))
	at := p.base.src.(*fake).rows[1].Time.Add(time.Second) // the newest row is later, and within the span
	p.Update(page.Incident{At: at})
	press(p, "@")
	if len(p.rows.list.rows) < 2 || p.rows.list.scroll.Cursor != 1 || !p.rows.list.rows[1].Time.Before(at) {
		t.Fatalf("%d rows, the cursor on %d", len(p.rows.list.rows), p.rows.list.scroll.Cursor)
	}
	press(p, "r")
	if p.rows.list.scroll.Cursor != 0 {
		t.Fatal("reading again goes to the incident once more")
	}
}

func TestALiveListThatWouldReadMuchStopsAndSaysSo(t *testing.T) {
	src := sample(t)
	p := settled(t, "zh", src)
	p.rows.list.live = true
	p.rows.arrived(newRowsMsg{err: &audit.TooMuchError{Estimate: audit.Estimate{Rows: 5_000_000}, Max: 200_000}})
	if p.rows.list.live {
		t.Fatal("it polls on")
	}
	text := p.base.env.Lang.Msg(sentence(&audit.TooMuchError{Estimate: audit.Estimate{Rows: 5_000_000}, Max: 200_000}))
	if text == "" || text == (&audit.TooMuchError{Estimate: audit.Estimate{Rows: 5_000_000}, Max: 200_000}).Error() {
		t.Fatalf("not in the reader's language: %q", text)
	}
}
