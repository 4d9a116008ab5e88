package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOnCalendarSaysWhatCronSays(t *testing.T) {
	for cron, want := range map[string][]string{
		"0 2 * * *":        {"*-*-* 02:00:00"},
		"0 4 * * 0":        {"Sun *-*-* 04:00:00"},
		"0 4 * * 7":        {"Sun *-*-* 04:00:00"},
		"0 4 * * mon-fri":  {"Mon,Tue,Wed,Thu,Fri *-*-* 04:00:00"},
		"0 5 1 1,4,7,10 *": {"*-01,04,07,10-01 05:00:00"},
		"*/15 */6 * * *":   {"*-*-* 00,06,12,18:00,15,30,45:00"},
		"30 1-3 * jan *":   {"*-01-* 01,02,03:30:00"},
		"0 2 1 * 0":        {"*-*-01 02:00:00", "Sun *-*-* 02:00:00"},
	} {
		got, err := onCalendar(cron)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v", cron, got, err)
		}
	}
	for _, bad := range []string{"", "0 2 * *", "60 2 * * *", "0 2 0 * *", "0 2 * 13 *", "x 2 * * *", "*/0 2 * * *",
		"5-1 2 * * *"} {
		if got, err := onCalendar(bad); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

var plan = Plan{
	Service: "qian zhang",
	Command: []string{"/usr/local/bin/opsdeck", "--config", "/etc/ops deck/100%.yaml", "backup", "schedule", "run"},
	Jobs:    []Planned{{"daily", "0 2 * * *", "backup"}, {"drill", "0 5 1 1,4,7,10 *", "restore drill"}},
}

func TestSystemdUnitsCatchUpAndQuote(t *testing.T) {
	units, err := plan.Systemd()
	if err != nil || len(units) != 6 {
		t.Fatal(units, err)
	}
	if units[0].Name != "opsdeck-qian_zhang-daily.service" ||
		!strings.Contains(
			units[0].Text,
			`ExecStart=/usr/local/bin/opsdeck --config "/etc/ops deck/100%%.yaml" backup schedule run daily`,
		) {
		t.Errorf("%s\n%s", units[0].Name, units[0].Text)
	}
	if due := units[4]; due.Name != "opsdeck-qian_zhang-due.service" ||
		!strings.Contains(due.Text, "backup schedule run\nSuccessExitStatus=75\n") {
		t.Errorf("%s\n%s", due.Name, due.Text)
	}
	for _, want := range []string{"OnCalendar=*-*-* 02:00:00\n", "Persistent=true\n", "WantedBy=timers.target\n"} {
		if !strings.Contains(units[1].Text, want) {
			t.Errorf("no %q in\n%s", want, units[1].Text)
		}
	}
}

func TestTheCrontabKeepsWhatIsNotOurs(t *testing.T) {
	old := "MAILTO=root\n5 4 * * * other\n"
	once := plan.Crontab(old)
	if !strings.HasPrefix(once, old) ||
		!strings.Contains(
			once,
			`*/10 * * * * /usr/local/bin/opsdeck --config '/etc/ops deck/100\%.yaml' backup schedule run`+"\n",
		) {
		t.Errorf("%q", once)
	}
	if again := plan.Crontab(once); again != once || !plan.Installed(once) {
		t.Errorf("again: %q", again)
	}
	none := plan
	none.Jobs = nil
	if gone := none.Crontab(once); gone != old || plan.Installed(gone) {
		t.Errorf("removed: %q", gone)
	}
	if gone := none.Crontab(plan.Crontab("")); gone != "" {
		t.Errorf("an empty crontab: %q", gone)
	}
}

func TestOldJobsAreRecognisedAndTakenOut(t *testing.T) {
	crontab := "# 0 1 * * * mysqldump x\n0 2 * * * /opt/scripts/backup-mysql.sh >> /var/backups/mysql/cron.log " +
		"2>&1\n0 3 * * * mysqldump --databases x | gzip > y\n*/10 * * * * opsdeck backup schedule run\n0 5 * * * " +
		"/usr/bin/certbot renew\n"
	jobs := OldJobs("", crontab)
	if len(jobs) != 2 || !strings.Contains(jobs[0].Line, "backup-mysql.sh") {
		t.Fatalf("%v", jobs)
	}
	after := Replace(crontab, []string{jobs[0].Line, "0 5 * * * /usr/bin/certbot renew"})
	if left := OldJobs("", after); len(left) != 1 || left[0] != jobs[1] || strings.Count(after, replaced) != 1 {
		t.Errorf("%s", after)
	}
}

func TestTheOldScriptsLogIsRead(t *testing.T) {
	log := "[2026-01-28 02:00:00] 备份成功: /var/backups/mysql/a.sql.gz\nnoise\n[2026-01-29 02:00:00] 备份失败: " +
		"disk\n[2026-01-29 02:00:01] 清理过期备份\n"
	run, ok := LastOldRun(log, time.UTC)
	if !ok || run.OK || !run.At.Equal(time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v %v", run, ok)
	}
	if _, ok := LastOldRun("", time.UTC); ok {
		t.Error("a run in an empty log")
	}
}

func TestTheBinaryLogIsFollowedByAServiceOrFetchedByCron(t *testing.T) {
	p := plan
	p.Follow = []string{"/usr/local/bin/opsdeck", "--config", "/etc/ops deck/100%.yaml", "backup", "binlog", "follow"}
	p.Fetch = append(slices.Clone(p.Follow[:5]), "fetch")
	units, err := p.Systemd()
	if err != nil || len(units) != 7 || units[6].Name != "opsdeck-qian_zhang-binlog.service" {
		t.Fatal(units, err)
	}
	for _, want := range []string{
		`ExecStart=/usr/local/bin/opsdeck --config "/etc/ops deck/100%%.yaml" backup binlog follow` + "\n",
		"Type=simple\n", "Restart=always\n", "RestartPreventExitStatus=64 78\n", "WantedBy=default.target\n",
		"StartLimitIntervalSec=0\n",
	} {
		if !strings.Contains(units[6].Text, want) {
			t.Errorf("no %q in\n%s", want, units[6].Text)
		}
	}
	if out, err := verifyUnits(t, units); err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	cron := p.Crontab("5 4 * * * other\n")
	if !strings.Contains(cron, `*/10 * * * * /usr/local/bin/opsdeck --config '/etc/ops deck/100\%.yaml' `+
		"backup binlog fetch\n# END opsdeck qian_zhang\n") {
		t.Errorf("%q", cron)
	}
	p.Jobs = nil
	if gone := p.Crontab(cron); gone != "5 4 * * * other\n" {
		t.Errorf("removed: %q", gone)
	}
}

// verifyUnits lets systemd itself judge units, where it is installed.
func verifyUnits(t *testing.T, units []Unit) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: the units were not judged by it")
		return "", nil
	}
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, u := range units {
		text := strings.ReplaceAll(u.Text, "/usr/local/bin/opsdeck", "/bin/true")
		path := filepath.Join(dir, u.Name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command(tool, args...).CombinedOutput()
	return string(out), err
}
