package watch

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/pattern"
)

// OldJob is a line of a crontab that makes backups in the old script's way.
type OldJob struct {
	File string `json:"file"` // "" is the user's own crontab
	Line string `json:"line"`
}

// replaced is put before a line that was taken out of service.
const replaced = "# replaced by opsdeck: "

var oldBackup = pattern.New(
	`(?i)\b(mysqldump|mariadb-dump|xtrabackup|mariabackup)\b|backup[\w.-]*\.sh\b|/var/backups/mysql`,
)

// ourCommand is opsdeck as a program, not as a part of some path.
var ourCommand = pattern.New(`(?:^|[\s/'"])opsdeck['"]?\s`)

// OldJobs finds such lines.
func OldJobs(file, crontab string) (jobs []OldJob) {
	for _, l := range strings.Split(crontab, "\n") {
		if isOld(l) {
			jobs = append(jobs, OldJob{File: file, Line: l})
		}
	}
	return jobs
}

func isOld(line string) bool {
	t := strings.TrimSpace(line)
	return t != "" && !strings.HasPrefix(t, "#") && !ourCommand.MatchString(t) && oldBackup.MatchString(t)
}

// Replace comments lines of a crontab out: those that are given.
func Replace(crontab string, these []string) string {
	lines := strings.Split(crontab, "\n")
	for i, l := range lines {
		if isOld(l) && slices.Contains(these, l) {
			lines[i] = replaced + l
		}
	}
	return strings.Join(lines, "\n")
}

// OldRun is what the old script wrote of its last run into its log.
type OldRun struct {
	At   time.Time `json:"at"`
	OK   bool      `json:"ok"`
	Line string    `json:"line"`
}

var oldLine = pattern.New(`^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\] (.*)$`)

// LastOldRun reads the end of backup.log or cron.log. ok is false when it holds
// no run.
func LastOldRun(log string, zone *time.Location) (run OldRun, ok bool) {
	for _, l := range strings.Split(log, "\n") {
		m := oldLine.FindStringSubmatch(strings.TrimRight(l, "\r"))
		if m == nil {
			continue
		}
		good := strings.Contains(m[2], "成功") || strings.Contains(strings.ToLower(m[2]), "success")
		bad := strings.Contains(m[2], "失败") || strings.Contains(m[2], "错误") ||
			strings.Contains(strings.ToLower(m[2]), "fail") ||
			strings.Contains(strings.ToLower(m[2]), "error")
		at, err := time.ParseInLocation("2006-01-02 15:04:05", m[1], zone)
		if err == nil && (good || bad) {
			run = OldRun{At: at, OK: good && !bad, Line: l}
			ok = true
		}
	}
	return run, ok
}
