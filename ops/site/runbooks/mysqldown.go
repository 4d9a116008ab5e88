package runbooks

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/pattern"
	"opsdeck/internal/regular"
	"opsdeck/ops/mysql"
	"opsdeck/ops/service"
)

// server is the commands for the service's MySQL server, as its administrator
// types them on the machine that runs it.
type server struct {
	start, restart, status, logs string
	// admin is the client as the administrator, who may unlock an account.
	admin string
	host  string // the machine, where it is another one
	// guess tells that the unit is not known: the server is not at the machine's usual port or
	// socket, so it may not be the one that the packages install.
	guess bool
}

// anyUnit stands for a unit that is not known, and listUnits finds it.
const (
	anyUnit   = "UNIT"
	listUnits = "systemctl list-units --all 'mysql*' 'mariadb*'"
)

// serverUnits are the systemd units of MySQL and MariaDB in Debian, Ubuntu and RHEL.
var serverUnits = []string{"mysql", "mariadb", "mysqld"}

// unitFolders are where systemd finds units, and where the older init has its scripts.
var unitFolders = []string{
	"/etc/systemd/system",
	"/run/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
}

// known tells whether the server may run in a container of that name. One that is named in
// the configuration does; the default's name says nothing of this machine.
func known(container string) bool {
	if container != config.DefaultService().Database.Container {
		return true
	}
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	return service.HasContainer(ctx, container)
}

// serverOf finds out how the server is started: as a container, as a service of
// the Compose project, or as a unit of the system.
func serverOf(s config.Service) server {
	d := mysql.Placed(s.Database)
	if d.Container != "" && known(d.Container) {
		c := human.Shell(d.Container)
		return server{
			start:   "docker start " + c,
			restart: "docker restart " + c,
			status:  "docker ps --all --filter name=" + c,
			logs:    "docker logs --tail 100 " + c,
			admin:   "docker exec -it " + c + " mysql -u root -p",
		}
	}
	if s.Process.Kind == "compose" {
		if name := composeDatabase(config.Home(s.Process.Dir)); name != "" {
			docker := "docker compose --project-directory " + human.Shell(config.Home(s.Process.Dir)) + " "
			return server{
				start:   docker + "start " + name,
				restart: docker + "restart " + name,
				status:  docker + "ps --all " + name,
				logs:    docker + "logs --tail 100 " + name,
				admin:   docker + "exec " + name + " mysql -u root -p",
			}
		}
	}
	unit, guess := installedUnit(unitFolders), !usualPlace(d)
	if guess {
		unit = anyUnit
	}
	v := server{
		guess:   guess,
		start:   "sudo systemctl start " + unit,
		restart: "sudo systemctl restart " + unit,
		status:  "systemctl status " + unit,
		logs:    "sudo journalctl -u " + unit + " -n 100",
		admin:   adminClient(d),
	}
	if !isLoopback(d.Host) && d.Socket == "" {
		v.host = d.Host
	}
	return v
}

// usualPlace tells whether the server is where the packages of MySQL and MariaDB put it.
func usualPlace(d config.Database) bool {
	if d.Socket != "" {
		return slices.Contains(mysql.UsualSockets, d.Socket)
	}
	return d.Port == 0 || d.Port == 3306
}

// installedUnit is the server's unit that this machine has; mysql when it has none.
func installedUnit(folders []string) string {
	for _, dir := range folders {
		for _, name := range serverUnits {
			if _, err := os.Stat(filepath.Join(dir, name+".service")); err == nil {
				return name
			}
		}
	}
	return serverUnits[0]
}

func isLoopback(host string) bool {
	return slices.Contains([]string{"", "localhost", "127.0.0.1", "::1"}, host)
}

// adminClient is the client as root of the server: over its own socket where the
// server is the machine's only one, else where the configuration says.
func adminClient(d config.Database) string {
	out := "sudo mysql -u root -p"
	switch {
	case d.Socket != "":
		return out + " -S " + human.Shell(d.Socket)
	case d.Port != 0 || !isLoopback(d.Host):
		host := d.Host
		if isLoopback(host) {
			host = "127.0.0.1"
		}
		out += " -h " + human.Shell(host)
	}
	if d.Port != 0 {
		out += " -P " + strconv.Itoa(d.Port)
	}
	return out
}

// composeFiles are the names by which Compose finds its project, first match wins.
var composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}

var databaseImage = pattern.New(`(^|/)(mysql|mariadb|percona|mysql-server)([:@/-]|$)`)

// composeDatabase is the project's service that runs the database server, or "".
func composeDatabase(dir string) string {
	for _, name := range composeFiles {
		text, err := regular.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		var project struct {
			Services map[string]struct {
				Image string `yaml:"image"`
			} `yaml:"services"`
		}
		if yaml.Unmarshal(text, &project) != nil {
			return ""
		}
		var found []string
		for service, s := range project.Services {
			if databaseImage.MatchString(s.Image) {
				found = append(found, service)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		return ""
	}
	return ""
}

// on says a command with the machine on which it has to be typed.
func (v server) on(command string) string {
	if v.host == "" {
		return command
	}
	return "ssh " + human.Shell(v.host) + " " + human.Shell(command)
}

// MysqlNext is what to do first about a fault: a sentence with the very command.
func (p Place) MysqlNext(f mysql.Fault) lang.Msg {
	steps := p.Opsdeck("runbook mysql-down")
	v := serverOf(p.service)
	switch f {
	case mysql.Stopped, mysql.NoAnswer, mysql.HungUp, mysql.ShuttingDown:
		if v.guess {
			return lang.M("Find what runs it: %s", steps)
		}
	}
	switch f {
	case mysql.NoFault:
		return lang.Msg{}
	case mysql.Stopped:
		return lang.M("Start it: %s; more steps: %s", v.on(v.start), steps)
	case mysql.NoAnswer, mysql.HungUp, mysql.ShuttingDown:
		return lang.M("Read its log: %s; more steps: %s", v.on(v.logs), steps)
	case mysql.LoginRefused:
		return lang.M("Check user, password and ssl- settings in the options file; more steps: %s", steps)
	case mysql.AccountLocked:
		return lang.M("Unlock the account: %s", steps)
	case mysql.PasswordExpired:
		return lang.M("Set a new password: %s", steps)
	case mysql.Offline:
		return lang.M("End the offline mode: %s", steps)
	case mysql.TooMany, mysql.UserLimit:
		return lang.M("See who holds the connections: %s", steps)
	case mysql.TLSRequired, mysql.TLSFailed:
		return lang.M("Check the ssl- settings in the options file; more steps: %s", steps)
	}
	return lang.M("Steps: %s", steps)
}

// mysqlSteps are the steps of the runbook mysql-down, cause by cause.
func mysqlSteps(p Place) []Step {
	v := serverOf(p.service)
	find := Step{
		lang.M("Find what runs this server: it is not at the usual port or socket. Use that unit for UNIT below; " +
			"of a container: docker start, docker restart."),
		[]string{v.on(listUnits), v.on("docker ps --all")},
	}
	if v.guess {
		return append([]Step{find}, mysqlStepsOf(p, v)...)
	}
	return mysqlStepsOf(p, v)
}

func mysqlStepsOf(p Place, v server) []Step {
	sql := func(statement string) string { return v.admin + " -e " + doubleQuoted(statement) }
	accounts := func(what string) string {
		return sql("SELECT CONCAT('ALTER USER ', QUOTE(user), '@', QUOTE(host), ' " + what + ";') AS statement FROM " +
			"mysql.user WHERE user = " + sqlText(p.user))
	}
	return []Step{
		{
			lang.M("Read the cause in the message; each cause has its step below."),
			[]string{p.status("mysql", "disk-data"), v.on(v.status), v.on(v.logs)},
		},
		{
			lang.M("Check for a full disk first: it stops MySQL and prevents its start."),
			[]string{v.on("df -h"), p.Opsdeck("runbook disk-full")},
		},
		{
			lang.M("It is stopped (connection refused, no such socket): start it, and wait for it."),
			[]string{v.on(v.start), p.status("mysql") + " --watch 2s"},
		},
		{
			lang.M("It does not respond: it hangs or is overloaded. Read its log; list what is running; restart it " +
				"only if nothing makes progress."),
			[]string{sql("SHOW FULL PROCESSLIST"), v.on(v.restart)},
		},
		{
			lang.M("It has no free connections: see who holds them, end those that should not exist, raise the " +
				"limit for now."),
			[]string{
				sql("SELECT user, db, command, COUNT(*), MAX(time) FROM information_schema.PROCESSLIST GROUP BY " +
					"user, db, command"),
				sql("SET GLOBAL max_connections = 500"),
			},
		},
		{
			lang.M("The account is locked (3118, 4151): this prints the statement to unlock it; run it in the same " +
				"client."),
			[]string{accounts("ACCOUNT UNLOCK")},
		},
		{
			lang.M("The password has expired (1820, 1862): this prints the statement; enter a new password in it and " +
				"in the options file."),
			[]string{accounts("IDENTIFIED BY ''NEW-PASSWORD''")},
		},
		{
			lang.M("The server is in offline mode (3032): somebody turned that on. When that work is over:"),
			[]string{sql("SET GLOBAL offline_mode = OFF")},
		},
		{
			lang.M("User or password is refused, or TLS fails: the server is running. Correct the options file, " +
				"then check."),
			[]string{"ls -l " + p.optionsFile(), p.Opsdeck("doctor")},
		},
		{
			lang.M("This host is blocked after too many connection errors (1129):"),
			[]string{sql("TRUNCATE TABLE performance_schema.host_cache")},
		},
		{
			lang.M("Only if it does not start because its data is damaged: restore."),
			[]string{p.Opsdeck("runbook restore")},
		},
	}
}

func (p Place) optionsFile() string {
	if f := p.service.Database.OptionsFile; f != "" {
		if quoted := human.Shell(f); quoted == f {
			return f
		}
		return human.Shell(config.Home(f))
	}
	return "~/.my.cnf"
}

// doubleQuoted writes an argument for a shell; a statement keeps its own quotes.
func doubleQuoted(s string) string {
	if strings.ContainsAny(s, "\"$`\\!") {
		return human.Shell(s)
	}
	return `"` + s + `"`
}

// sqlText writes a text for SQL.
func sqlText(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}
