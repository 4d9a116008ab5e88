package logfile

import "testing"

// A rotated file with any dateFormat of pm2-logrotate belongs to its live file: as a log
// of its own it would be read twice.
func TestRotatedNamesBelongToTheirLiveFile(t *testing.T) {
	for _, name := range []string{
		"/l/app__2026-01-29_00-00-00.log.gz", "/l/app__2026-01-29.log", "/l/app__1.log.gz", "/l/app__20260129T120000.log.gz",
	} {
		got := group([]string{"/l/app.log", name}, nil)
		if len(got) != 1 || got[0].Name != "/l/app.log" || len(got[0].Parts) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
