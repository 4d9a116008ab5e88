package runbooks

import (
	"strings"
	"testing"

	"opsdeck/internal/config"
)

// TestWhatHasToBeFilledInIsKnown: a word in capitals that a person replaces is no
// statement, no option and no variable.
func TestWhatHasToBeFilledInIsKnown(t *testing.T) {
	for line, want := range map[string]bool{
		"opsdeck restore rewind --txn ID --plan":                          true,
		"opsdeck restore --before ID":                                     true,
		"opsdeck audit changes --table TABLE --kind delete":               true,
		"opsdeck restore --plan --until YYYY-MM-DDTHH:MM:SS":              true,
		"git clone REPOSITORY /srv/app":                                   true,
		"cd PROJECT-FOLDER && npm install":                                true,
		"zcat /b/app_YYYYMMDD_HHMMSS.sql.gz | mysql":                      true,
		`mysql -e 'CHECK TABLE app.TABLE'`:                                true,
		"opsdeck status":                                                  false,
		"opsdeck logs --level ERROR+ --since 30m":                         false,
		`mysql -e "SHOW BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()"`:     false,
		"NODE_OPTIONS=--max-old-space-size=1024 pm2 restart x":            false,
		"git rev-parse HEAD":                                              false,
		"opsdeck audit list --action DELETE --since 7d":                   false,
		"grep -n '^DB_' .env | grep -v PASSWORD":                          false,
		"export NODE_OPTIONS=--max-old-space-size=1024 && npm start":      false,
		"zcat /var/backups/mysql/qianzhang_20260129.sql.gz | mysql -A -N": false,
	} {
		if got := NeedsFilling(line); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

// TestWhatDestroysIsKnown: what overwrites or deletes by hand is confirmed by a name.
func TestWhatDestroysIsKnown(t *testing.T) {
	for line, want := range map[string]bool{
		"zcat /b/app.sql.gz | mysql --defaults-file=x":                true,
		"zcat /b/app.sql.gz | docker exec -i the-mysql mysql -u root": true,
		"cd /srv/app && rm -rf node_modules && npm ci":                true,
		`mysql -e "SHOW BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()"`: true,
		"gzip -t /b/app.sql.gz":                                       false,
		"opsdeck restore":                                             false,
		`mysql -e "SHOW FULL PROCESSLIST"`:                            false,
	} {
		if got := Destroys(line); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

// TestAStrangersRunbookNamesNoOtherCompanysPasswords.
func TestAStrangersRunbookNamesNoOtherCompanysPasswords(t *testing.T) {
	for name, own := range map[string]bool{"shop": false, "qianzhang": true} {
		s := config.Service{Name: name, Database: config.Database{Name: name}}
		all := ""
		for _, page := range All {
			for _, step := range page.Steps(PlaceOf(s, "opsdeck")) {
				all += strings.Join(step.Commands, "\n") + "\n"
			}
		}
		if !strings.Contains(all, "your-super-secret") || strings.Contains(all, "qianzhang") != own {
			t.Errorf("%s:\n%s", name, all)
		}
	}
}
