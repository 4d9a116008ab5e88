package watch

import (
	"errors"
	"strings"
	"testing"
)

func TestOnlyALineThatProvablyMakesTheseBackupsIsReplaced(t *testing.T) {
	scripts := map[string]string{
		"/opt/field.sh": "#!/bin/bash\n# 备份\nDB_NAME=\"shop\"\nBACKUP_DIR=\"/var/backups/mysql\"\nDATE=$(date " +
			"+%Y%m%d_%H%M%S)\nmysqldump --single-transaction \\\n  --databases $DB_NAME | gzip > " +
			"\"$BACKUP_DIR/${DB_NAME}_$DATE.sql.gz\"\n",
		"/opt/by-arg.sh": "mysqldump \"$1\" > /var/backups/mysql/$1.sql\n",
		"/opt/two.sh": "for x in shop payroll; do mysqldump $x > /var/backups/mysql/$x.sql; done\nmysqldump shop > " +
			"/var/backups/mysql/a.sql\n",
		"/opt/other.sh":   "DB=shop\nmysqldump $DB > /srv/other/$DB.sql\n",
		"/opt/twice.sh":   "DB=shop\nDB=payroll\nmysqldump $DB > /var/backups/mysql/$DB.sql\n",
		"/opt/comment.sh": "# mysqldump shop > /var/backups/mysql/a.sql\npg_dump x\n",
	}
	read := func(file string) (string, error) {
		if text, ok := scripts[file]; ok {
			return text, nil
		}
		return "", errors.New("no such file")
	}
	for line, want := range map[string]bool{
		"0 2 * * * mysqldump --databases shop | gzip > /var/backups/mysql/x.sql.gz":                         true,
		"@daily\t/usr/bin/mariadb-dump -u root -h db --quick shop >/var/backups/mysql/x.sql 2>>/var/log/x":  true,
		"0 2 * * * mysqldump --result-file=/var/backups/mysql/x.sql shop":                                   true,
		"0 2 * * * mysqldump shop > /var/backups/mysql/shop_`date +\\%F`.sql":                               true,
		"0 2 * * * /bin/sh -c 'x' /opt/backup.sh":                                                           false,
		"5 5 * * * /usr/bin/mysqldump --databases payroll | gzip > /srv/payroll/payroll.sql.gz":             false,
		"5 5 * * * mysqldump --databases payroll | gzip > /var/backups/mysql/payroll.sql.gz":                false,
		"5 5 * * * mysqldump --databases shop payroll | gzip > /var/backups/mysql/x.sql.gz":                 false,
		"5 5 * * * mysqldump --all-databases | gzip > /var/backups/mysql/x.sql.gz":                          false,
		"5 5 * * * mysqldump shop customers > /var/backups/mysql/x.sql":                                     false, // a table
		"5 5 * * * mysqldump shop | gzip > /srv/elsewhere/x.sql.gz":                                         false,
		"5 5 * * * mysqldump shop_a | gzip > /var/backups/mysql/x.sql.gz":                                   false,
		"5 5 * * * mysqldump shop > /var/backups/mysql2/x.sql":                                              false,
		"5 5 * * * mysqldump shop > /srv/x; echo x > /var/backups/mysql/done":                               false,
		"5 5 * * * mysqldump shop > /var/backups/mysql/a.sql; mysqldump payroll > /var/backups/mysql/b.sql": false,
		"6 5 * * * /opt/backup/pg_backup.sh":                                                                false,
		"0 3 * * * /usr/local/bin/mysql-backup.sh payroll":                                                  false,
		"# 0 2 * * * mysqldump --databases shop | gzip > /var/backups/mysql/x.sql.gz":                       false,
	} {
		by, got := Proven(line, read, "shop", "/var/backups/mysql")
		if got != want || got && by != "" {
			t.Errorf("%q: proven %v, by %q", line, got, by)
		}
	}
	for command, want := range map[string]bool{"/opt/field.sh": true, "/opt/by-arg.sh shop": true,
		"/opt/by-arg.sh payroll": false, "/opt/two.sh": false,
		"/opt/other.sh": false, "/opt/twice.sh": false, "/opt/comment.sh": false, "/opt/absent.sh": false,
		"bash /opt/field.sh": true} {
		line := "0 2 * * * " + command + " >> /var/backups/mysql/cron.log 2>&1"
		by, got := Proven(line, read, "shop", "/var/backups/mysql")
		if got != want || got && !strings.Contains(command, by) {
			t.Errorf("%q: proven %v, by %q", command, got, by)
		}
	}
}
