package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
)

// TestAuditScript runs testdata/script-real/audit.txtar on both real servers:
// what audit does, as a person at a shell sees it. $CONFIG is a configuration
// of the table that auditWorld fills, $DB its database, $YEAR last year.
func TestAuditScript(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		testscript.Run(t, testscript.Params{
			Files: []string{"testdata/script-real/audit.txtar"},
			Setup: func(e *testscript.Env) error {
				config, schema, dir := auditWorld(t, srv)
				e.Setenv("CONFIG", config)
				e.Setenv("DB", schema)
				e.Setenv("YEAR", fmt.Sprint(time.Now().Year()-1))
				e.Setenv("BACKUPS", filepath.Join(dir, "backups"))
				e.Vars = append(e.Vars, testenv.Script()...)
				e.Setenv("HOME", e.WorkDir+"/home")
				e.Setenv("LANG", "C")
				e.Setenv("TZ", "UTC")
				return os.MkdirAll(e.WorkDir+"/home", 0o700)
			},
		})
	})
}
