// Package host is the adapter that looks at the machine a service runs on, and runs
// the programs of a deployment there: each in a process group of its own, which ends
// with its context.
package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/deploy"
)

// Look is where to look; Root is put before the paths of the system, "" is none.
type Look struct {
	Root string
	Dir  string // whose disk counts
}

// askTime bounds each program that is asked.
const askTime = 10 * time.Second

// Machine looks at the machine. What cannot be seen says why.
func (l Look) Machine(ctx context.Context) deploy.Machine {
	return deploy.Machine{
		OS:          l.os(),
		Memory:      memory(),
		Disk:        disk(l.Dir),
		Docker:      tool(ctx, "docker", "version", "--format", "{{.Server.Version}}"),
		Compose:     compose(ctx),
		Node:        tool(ctx, "node", "--version"),
		NPM:         tool(ctx, "npm", "--version"),
		Firewall:    firewall(ctx),
		ClockInStep: clockInStep(),
		OldJobs:     l.oldJobs(ctx),
	}
}

func (l Look) os() deploy.Fact[deploy.OS] {
	text, err := os.ReadFile(filepath.Join(l.Root, "/etc/os-release"))
	if err != nil {
		return deploy.Unknown[deploy.OS](reason(err))
	}
	e := deploy.ParseEnv(string(text))
	id, _ := e.Get("ID")
	version, _ := e.Get("VERSION_ID")
	name, _ := e.Get("PRETTY_NAME")
	return deploy.Known(deploy.OS{ID: id, Version: version, Name: name})
}

func memory() deploy.Fact[int64] {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return deploy.Unknown[int64](reason(err))
	}
	return deploy.Known(int64(uint64(info.Totalram) * uint64(info.Unit)))
}

// disk looks at the disk of a folder, or of the nearest one above that exists.
func disk(dir string) deploy.Fact[deploy.Disk] {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			break
		}
		if dir == filepath.Dir(dir) || !os.IsNotExist(err) {
			return deploy.Unknown[deploy.Disk](reason(err))
		}
		dir = filepath.Dir(dir)
	}
	block := int64(st.Bsize)
	return deploy.Known(deploy.Disk{Path: dir, Free: int64(st.Bavail) * block,
		Size: int64(st.Blocks-st.Bfree+st.Bavail) * block})
}

// tool asks a program for its version.
func tool(ctx context.Context, name string, args ...string) deploy.Fact[deploy.Tool] {
	if _, err := exec.LookPath(name); err != nil {
		return deploy.Known(deploy.Tool{Absent: true})
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	out := Run(ctx, Command{Argv: append([]string{name}, args...), Quiet: true})
	if out.Err != nil || len(out.Tail) == 0 {
		return deploy.Unknown[deploy.Tool](out.Why())
	}
	return deploy.Known(deploy.Tool{Version: out.Tail[len(out.Tail)-1]})
}

// compose is the plugin of docker, or the program of its own.
func compose(ctx context.Context) deploy.Fact[deploy.Tool] {
	plugin := tool(ctx, "docker", "compose", "version", "--short")
	if plugin.Seen && !plugin.Value.Absent {
		return plugin
	}
	return tool(ctx, "docker-compose", "version", "--short")
}

// clockInStep asks the kernel, which knows whoever keeps the clock (adjtimex(2)).
func clockInStep() deploy.Fact[bool] {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return deploy.Unknown[bool](reason(err))
	}
	return deploy.Known(state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0)
}

// firewall finds what guards the ports: ufw, firewalld, or rules of nftables or
// iptables that drop what comes in. Rules can be read by root alone.
func firewall(ctx context.Context) deploy.Fact[deploy.Firewall] {
	failed := false
	for _, q := range []struct {
		by, sign string
		argv     []string
	}{
		{"ufw", "Status: active", []string{"ufw", "status"}},
		{"firewalld", "running", []string{"firewall-cmd", "--state"}},
		{"nftables", "policy drop", []string{"nft", "list", "ruleset"}},
		{"iptables", "-P INPUT DROP", []string{"iptables", "-S", "INPUT"}},
	} {
		if _, err := exec.LookPath(q.argv[0]); err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, askTime)
		out := Run(ctx, Command{Argv: q.argv, Quiet: true, Keep: 2000})
		cancel()
		failed = failed || out.Err != nil && q.by != "firewalld" // its code tells that it does not run
		for _, line := range out.Tail {
			if hasWord(line, q.sign) {
				return deploy.Known(deploy.Firewall{By: q.by})
			}
		}
	}
	if failed {
		return deploy.Unknown[deploy.Firewall](lang.M("only root can read the firewall's rules"))
	}
	_, err := exec.LookPath("ufw")
	return deploy.Known(deploy.Firewall{UFW: err == nil})
}

func hasWord(line, sign string) bool {
	if sign == "running" {
		return strings.TrimSpace(line) == sign
	}
	return strings.Contains(line, sign)
}

// oldJobs reads the tables of cron for jobs that make backups without opsdeck.
func (l Look) oldJobs(ctx context.Context) deploy.Fact[[]deploy.Job] {
	var jobs []deploy.Job
	paths, _ := filepath.Glob(filepath.Join(l.Root, "/etc/cron.d/*"))
	for _, path := range append(paths, filepath.Join(l.Root, "/etc/crontab")) {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return deploy.Unknown[[]deploy.Job](lang.M("%s: %s", path, reason(err)))
		}
		jobs = append(jobs, jobsIn(path, string(text))...)
	}
	if _, err := exec.LookPath("crontab"); err != nil {
		return deploy.Known(jobs)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	out := Run(ctx, Command{Argv: []string{"crontab", "-l"}, Keep: 2000})
	if out.Err != nil && !strings.Contains(strings.Join(out.Tail, " "), "no crontab for") {
		return deploy.Unknown[[]deploy.Job](lang.M("%s: %s", "crontab -l", out.Why()))
	}
	if out.Err == nil {
		jobs = append(jobs, jobsIn("crontab -l", strings.Join(out.Tail, "\n"))...)
	}
	return deploy.Known(jobs)
}

// jobsIn finds the lines of a crontab that make or remove backups.
func jobsIn(place, text string) []deploy.Job {
	var out []deploy.Job
	in := bufio.NewScanner(strings.NewReader(text))
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		small := strings.ToLower(line)
		if line == "" || line[0] == '#' || strings.Contains(small, "opsdeck") {
			continue
		}
		for _, sign := range []string{"mysqldump", "mariadb-dump", "xtrabackup", "backup-db", "backup_db",
			"mysql-backup",
			"mysql_backup", "backup.sh"} {
			if strings.Contains(small, sign) {
				out = append(out, deploy.Job{Place: place, Line: redact.Text(line)})
				break
			}
		}
	}
	return out
}

// Process reads what a process was started with and when. Only its owner and root
// may.
func Process(pid int) (deploy.Running, error) {
	r := deploy.Running{PID: pid, Env: map[string]string{}}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return r, err
	}
	for _, pair := range strings.Split(string(text), "\x00") {
		if key, value, is := strings.Cut(pair, "="); is {
			r.Env[key] = value
		}
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return r, err
	}
	r.Since = info.ModTime()
	return r, nil
}

// Folder is the working folder of a process.
func Folder(pid int) (string, error) { return os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) }

// Parents are the pids of a process's parents, the nearest first.
func Parents(pid int) []int {
	var out []int
	for range 64 {
		if pid = stat(pid, 4); pid <= 1 {
			break
		}
		out = append(out, pid)
	}
	return out
}

// stat is a number of /proc/PID/stat by its place in proc(5); 0 where there is none.
// The name in its second place can hold anything, and ends at the last bracket.
func stat(pid, place int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	at := strings.LastIndexByte(string(text), ')')
	f := strings.Fields(string(text[at+1:]))
	if place-3 >= len(f) {
		return 0
	}
	n, _ := strconv.Atoi(f[place-3])
	return n
}

func reason(err error) lang.Msg {
	switch {
	case os.IsNotExist(err):
		return lang.M("it does not exist")
	case os.IsPermission(err):
		return lang.M("permission denied")
	}
	return lang.Raw(err.Error())
}

// WorksIn tells whether a process works in a folder or was started with a path below it. Its
// error means that neither may be seen.
func WorksIn(pid int, folder string) (bool, error) { return worksIn(pid, below(folder)) }

func worksIn(pid int, inside func(path string) bool) (bool, error) {
	cwd, err := Folder(pid)
	if err == nil && inside(cwd) {
		return true, nil
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if slices.ContainsFunc(strings.FieldsFunc(string(text), isBreak), inside) {
		return true, nil
	}
	return false, err
}

// below tells whether a path is a folder or below it, by the folder's name or by what its
// links lead to.
func below(folder string) func(path string) bool {
	names := []string{folder}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		names = append(names, real)
	}
	return func(path string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return path == name || strings.HasPrefix(path, name+string(filepath.Separator))
		})
	}
}

// Uses is the pid of a process that works in a folder or was started with a path below it;
// 0 where none is known. Processes of other users are seen by root alone.
func Uses(folder string) int {
	inside := below(folder)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if is, _ := worksIn(pid, inside); is {
			return pid
		}
	}
	return 0
}

// isBreak separates the arguments of a process, and the words of a title that it gave itself.
func isBreak(r rune) bool { return r == 0 || r == ' ' || r == '=' }
