package logfile

import "testing"

func TestJournalEntriesBecomeLines(t *testing.T) {
	for entry, want := range map[string]string{
		`{"MESSAGE":"hello","__REALTIME_TIMESTAMP":"1769688000000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"node"}`:                    "2026-01-29T12:00:00.000Z ERROR [node] hello\n",
		`{"MESSAGE":[104,105,255],"__REALTIME_TIMESTAMP":"1769688000000000"}`:                                                        "2026-01-29T12:00:00.000Z INFO [] hi\xff\n",
		`{"MESSAGE":"[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] one","__REALTIME_TIMESTAMP":"1769688000000000","PRIORITY":"6"}`: "[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] one\n",
		`{"MESSAGE":null}`: "1970-01-01T00:00:00.000Z INFO [] \n",
		`broken`:           "",
	} {
		if got := journalLine([]byte(entry)); got != want {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
}
