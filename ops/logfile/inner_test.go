package logfile

import (
	"strings"
	"testing"
)

// TestANumberBeforeTheExtensionIsAGeneration: only next to the live file.
func TestANumberBeforeTheExtensionIsAGeneration(t *testing.T) {
	for paths, want := range map[string]string{
		"/l/app.1.log /l/app.2.log.gz /l/app.log": "/l/app.log: /l/app.2.log.gz /l/app.1.log /l/app.log",
		"/l/app.log /l/app.log.1 /l/app.log.0":    "/l/app.log: /l/app.log.1 /l/app.log.0 /l/app.log",
		"/l/app.log /l/app-20260129.log.gz /l/app-20260130.log"://
		"/l/app.log: /l/app-20260129.log.gz /l/app-20260130.log /l/app.log",
		"/l/shop-20260129.log /l/shop-20260130.log"://
		"/l/shop-20260129.log: /l/shop-20260129.log; /l/shop-20260130.log: /l/shop-20260130.log",
		"/l/shop.1.log /l/shop.2.log":           "/l/shop.1.log: /l/shop.1.log; /l/shop.2.log: /l/shop.2.log",
		"/l/app.log /l/app.log.1 /l/app.10.log": "/l/app.log: /l/app.10.log /l/app.log.1 /l/app.log",
	} {
		var got []string
		for _, s := range Group(strings.Fields(paths)) {
			line := s.Name + ":"
			for _, p := range s.Parts {
				line += " " + p.Name()
			}
			got = append(got, line)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\n got %s\nwant %s", paths, strings.Join(got, "; "), want)
		}
	}
}
