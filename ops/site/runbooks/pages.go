package runbooks

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/probe"
)

// envKeys are the keys of the back end's .env (DB_PASSWORD, JWT_SECRET and
// REDIS_PASSWORD are secrets).
const envKeys = "DB_HOST DB_PORT DB_USERNAME DB_PASSWORD DB_DATABASE JWT_SECRET PORT NODE_ENV " +
	"REDIS_HOST REDIS_PORT REDIS_PASSWORD LOG_LEVEL"

// defaultSecrets finds the passwords that installations begin with, and those of the service's own
// installation guide where there is one.
func (p Place) defaultSecrets() string {
	own := ""
	if strings.HasPrefix(p.service.Database.Name, "qianzhang") || strings.HasPrefix(p.service.Name, "qianzhang") {
		own = "qianzhang_p(assword|wd_2026)|qianzhang_(root|redis)_2026|Admin@2026|"
	}
	return "grep -nE '" + own + "123456|change-me|your-super-secret' "
}

// project is the folder of the back end's code.
func (p Place) project() string {
	if dir := config.Home(p.service.Deploy.Dir); dir != "" {
		return dir
	}
	if dir := config.Home(p.service.Process.Dir); dir != "" {
		return dir
	}
	return "PROJECT-FOLDER"
}

// at is a command in the folder of the back end's code.
func (p Place) at(command string) string { return "cd " + human.Shell(p.project()) + " && " + command }

// port is where the service listens.
func (p Place) port() string {
	u, err := url.Parse(p.service.Health.URL)
	switch {
	case err != nil || u.Host == "":
		return "3000"
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// ask is curl for a path of the service.
func (p Place) ask(path string) string {
	base := p.service.Health.URL
	if base == "" {
		base = "http://localhost:3000"
	}
	return "curl -fsS -m 5 " + human.Shell(probe.Join(base, path))
}

// given are the commands that are configured.
func given(commands ...string) (out []string) {
	for _, c := range commands {
		if c != "" {
			out = append(out, c)
		}
	}
	return out
}

func deploySteps(p Place) []Step {
	return []Step{
		{lang.M("Check the machine: Ubuntu 22.04 or newer, 2 GB of memory, 10 GB of disk."),
			[]string{"cat /etc/os-release", "free -h", "df -h /", p.Opsdeck("deploy check")}},
		{lang.M("Install Docker with Compose, and Node 18 or newer."),
			[]string{"docker version", "docker compose version", "node --version", "npm --version"}},
		{lang.M("Fetch the code."), []string{"git clone REPOSITORY " + human.Shell(p.project())}},
		{
			lang.M("Start MySQL and Redis, and wait about 30 seconds."),
			[]string{p.at("docker compose up -d"), p.at("docker compose ps")},
		},
		{lang.M("Write .env with its own secrets, readable only by its owner. The keys are: %s", envKeys),
			[]string{
				p.at("cp .env.example .env && chmod 600 .env"),
				p.at(p.defaultSecrets() + ".env"),
				"openssl rand -hex 32",
			}},
		{
			lang.M("Install, create the tables, load the initial data. Read the output: the service starts even if " +
				"this fails."),
			[]string{p.at("npm install"), p.at("npm run db:sync"), p.at("npm run seed")},
		},
		{lang.M("Build and start the service, and enable it at boot."),
			append([]string{p.at("npm run build")}, given(p.process.Start, p.atBoot())...)},
		{lang.M("Verify it, then make a smoke test: log in, open a list, save a record."),
			[]string{
				p.ask("/health"),
				p.ask("/health/ready"),
				p.ask("/api-docs") + " -o /dev/null",
				p.Opsdeck("status"),
			}},
		{lang.M("Set up opsdeck: configuration, a first backup, its schedule, a drill."), []string{
			p.Opsdeck(
				"config check",
			), p.Opsdeck("doctor"), p.Opsdeck("backup create"), p.Opsdeck("backup schedule install"),
			p.Opsdeck("backup drill"),
		}},
		{
			lang.M("Keep the restore script outside this machine, for the day when opsdeck cannot be used."),
			[]string{p.script()},
		},
		{
			lang.M("Secure it: the firewall allows only 22 and the API's port, HTTPS is in front, updates are on."),
			[]string{"ufw status", "ss -ltnp"},
		},
	}
}

// moreHeap starts the service again with a larger heap, until its next start.
func (p Place) moreHeap() string {
	const limit = "NODE_OPTIONS=--max-old-space-size=1024"
	switch {
	case p.service.Process.Kind == "pm2":
		return limit + " pm2 restart " + human.Shell(p.service.Process.Name) + " --update-env"
	case p.service.Process.Kind == "systemd":
		unit := strings.TrimSuffix(p.service.Process.Name, ".service")
		drop := human.Shell("/run/systemd/system/" + unit + ".service.d")
		return "sudo mkdir -p " + drop + " && printf '[Service]\\nEnvironment=" + limit + "\\n' | sudo tee " + drop +
			"/heap.conf && sudo systemctl daemon-reload && sudo systemctl restart " + human.Shell(unit)
	case p.process.Start != "":
		return "export " + limit + " && " + p.process.Start
	}
	return "export " + limit
}

// atBoot has the process manager start the service at boot.
func (p Place) atBoot() string {
	switch p.service.Process.Kind {
	case "pm2":
		return "pm2 save && pm2 startup"
	case "systemd":
		return "systemctl enable " + human.Shell(p.service.Process.Name)
	}
	return ""
}

// script writes the restore that needs no opsdeck.
func (p Place) script() string {
	return p.Opsdeck("runbook restore --plain") + " > " + human.Shell("restore-"+p.service.Name+".sh")
}

func updateSteps(p Place) []Step {
	return []Step{
		{
			lang.M("Tell the users. Check that everything works before you start."),
			[]string{p.Opsdeck("status"), p.at("git status --short")},
		},
		{lang.M("Let opsdeck do all of the following and roll back if a step fails; or go step by step."),
			[]string{p.Opsdeck("deploy plan update"), p.Opsdeck("deploy run update"),
				p.Opsdeck("deploy undo --dry-run")}},
		{
			lang.M("Make a backup and verify it: the update may change tables."),
			[]string{p.Opsdeck("backup create"), p.Opsdeck("backup verify")},
		},
		{lang.M("Note the current release: you return to it if this fails."), []string{p.at("git rev-parse HEAD")}},
		{lang.M("Stop the service."), given(p.process.Stop)},
		{lang.M("Fetch the new release and install what it needs."),
			[]string{p.at("git pull --ff-only"), p.at("npm ci"), p.at("npm run build")}},
		{
			lang.M("Change the tables. If it fails, read which statement: a duplicate index is a known cause."),
			[]string{p.at("npm run db:sync")},
		},
		{lang.M("Start the service, and verify it."),
			append(given(p.process.Start), p.ask("/health/version"), p.status("health", "ready")+" --watch 2s")},
		{lang.M("Compare its errors with those of the hour before the update."),
			[]string{
				p.Opsdeck("logs --level ERROR+ --since 2h --histogram 10m"),
				p.Opsdeck("logs --critical --since 30m"),
			}},
		{lang.M("If it is worse: return to the noted release. Restore the backup only if tables were changed."),
			append(given(p.process.Stop), append([]string{p.at("git checkout RELEASE && npm ci && npm run build")},
				append(given(p.process.Start), p.Opsdeck("runbook restore"))...)...)},
	}
}

func troubleSteps(p Place) []Step {
	v := serverOf(p.service)
	port := p.port()
	redis := []Step{{
		lang.M("/health/ready is ready while Redis is down: some builds report that. Check Redis itself."),
		[]string{p.status("redis")},
	}}
	if p.service.Redis.Address == "" {
		redis = nil
	}
	return slices.Concat([]Step{
		{
			lang.M("Start here: it names what fails, and often why."),
			[]string{p.Opsdeck("status"), p.Opsdeck("doctor"), p.Opsdeck("deploy check")},
		},
		{lang.M("Docker is down: start it; the containers follow."),
			[]string{
				"systemctl status docker",
				"systemctl start docker",
				p.at("docker compose up -d"),
				p.at("docker compose ps"),
			}},
		{
			lang.M("The database refuses, and its container is stopped: start it."),
			[]string{v.on(v.status), v.on(v.start), p.Opsdeck("runbook mysql-down")},
		},
		{
			lang.M("The database refuses the user or password: .env and %s must hold the same as the server.",
				p.optionsFile()),
			[]string{p.at("grep -n '^DB_' .env | grep -v PASSWORD"), p.client + " -e 'SELECT CURRENT_USER()'"},
		},
		{lang.M("The port %s is taken: find by which process; stop it, or set another PORT in .env.", port),
			[]string{"ss -ltnp 'sport = :" + port + "'", p.at("grep -n '^PORT' .env")}},
		{
			lang.M(
				"npm install fails: read its first error. Often it is the disk, memory, the registry or the version " +
					"of Node.",
			),
			[]string{
				"df -h .",
				"free -h",
				"node --version",
				"npm config get registry",
				p.at("rm -rf node_modules && npm ci"),
			},
		},
		{
			lang.M("The start fails with \"Cannot find module\": the start script may name dist/main where the build " +
				"makes dist/src/main."),
			[]string{p.at("ls dist dist/src"), p.at("grep -n '\"start' package.json")},
		},
		{lang.M("db:sync fails: read which statement. Drop a duplicate index by hand, after a backup."),
			[]string{
				p.Opsdeck("backup create"),
				p.client + " -e " + doubleQuoted("SHOW INDEX FROM "+cmp.Or(p.database, "DATABASE")+".TABLE"),
			}},
		{lang.M("JavaScript heap out of memory: find what grew, then raise the limit of Node for now."),
			[]string{
				p.Opsdeck("logs 'heap out of memory' --since 7d -B 20"),
				p.moreHeap(),
			}},
		{
			lang.M("An external API fails: see which, and since when."),
			[]string{p.Opsdeck("logs 'External API call failed' --since 1d --histogram 1h")},
		},
		{
			lang.M("It is slow, or has no free connections: compare threads with max_connections, check slow queries " +
				"and slow operations."),
			[]string{
				p.client + ` -e "SHOW GLOBAL STATUS LIKE 'Threads_connected'; SHOW VARIABLES LIKE 'max_connections'"`,
				p.client + ` -e "SHOW VARIABLES LIKE 'slow_query%'"`, p.Opsdeck("logs --slow 1000 --since 1h"),
			},
		},
	}, redis, []Step{
		{
			lang.M("After a restart of the machine the service is missing: it is not started at boot."),
			given(p.process.Status, p.atBoot()),
		},
		{lang.M("A disk is full, or logs grow without bound."), []string{p.Opsdeck("runbook disk-full")}},
	})
}

func backupPage(p Place) []Step {
	keep := p.service.Backup.Keep
	out := []Step{
		{lang.M("The backups are in %s: daily %d, weekly %d, monthly %d. See which exist and which are missing.", p.dir,
			keep.Daily, keep.Weekly,
			keep.Monthly), []string{p.Opsdeck("backup list"), p.status("backup", "disk-backup")}},
		{
			lang.M("Before a major operation: make one by hand, and verify it."),
			[]string{p.Opsdeck("backup create"), p.Opsdeck("backup verify")},
		},
		{
			lang.M("See what one backup contains, and check its contents."),
			[]string{p.Opsdeck("backup show " + p.newestName()), p.Opsdeck("backup verify --deep " + p.newestName())},
		},
		{
			lang.M("See the schedule and the last runs."),
			[]string{p.Opsdeck("backup schedule show"), p.Opsdeck("operations --limit 20")},
		},
		{
			lang.M("Remove old ones only by retention; first see what it would remove."),
			[]string{p.Opsdeck("backup prune --dry-run"), p.Opsdeck("backup prune")},
		},
	}
	if len(p.service.Backup.Copies) > 0 {
		out = append(out, Step{lang.M("Update the copies, and verify one of them there."),
			[]string{
				p.Opsdeck("backup sync"),
				p.Opsdeck("backup verify --copy " + human.Shell(p.service.Backup.Copies[0].Name)),
			}})
	}
	return append(out,
		Step{lang.M("Each quarter: privileges of the backup user, free disk, a drill."),
			[]string{p.Opsdeck("doctor"), "df -h " + human.Shell(p.dir), p.Opsdeck("runbook drill")}},
		Step{lang.M("If one is missing or bad:"), []string{p.Opsdeck("runbook backup-failed")}})
}

// newestName is the name of the newest good backup, or a word that says what goes there.
func (p Place) newestName() string {
	if p.newest == "" {
		return "NAME"
	}
	return human.Shell(filepath.Base(p.newest))
}

func loggingPage(p Place) []Step {
	return []Step{
		{
			lang.M("The logs are: %s", strings.Join(p.service.Logs.Paths(), " ")),
			p.logFiles("ls -lh"),
		},
		{
			lang.M("The last errors, and the errors that need immediate action."),
			[]string{p.Opsdeck("logs --level ERROR+ --since 1h"), p.Opsdeck("logs --critical --since 1d")},
		},
		{lang.M("Follow what is written now."), []string{p.Opsdeck("logs -f")}},
		{lang.M("One context, one time range, lines around a hit."), []string{
			p.Opsdeck(
				"logs --context OrderService --since 2h",
			), p.Opsdeck("logs --since '09:00' --until '10:00' payment"),
			p.Opsdeck("logs -A 5 -B 5 --exact 'Failed to create order'"),
		}},
		{
			lang.M("Errors per hour; operations of 1000 ms or more."),
			[]string{
				p.Opsdeck("logs --level ERROR+ --since 1d --histogram 1h"),
				p.Opsdeck("logs --slow 1000 --since 1d"),
			},
		},
		{
			lang.M("Rotation: live files stay under %s, %d rotated ones are kept.", p.service.Health.LogSize,
				p.service.Health.LogKeep),
			append([]string{p.status("logs")}, p.rotation()...),
		},
	}
}

func auditPage(p Place) []Step {
	return []Step{
		{
			lang.M("The newest actions; those of one user."),
			[]string{p.Opsdeck("audit list --limit 100"), p.Opsdeck("audit list --user 7 --since 24h")},
		},
		{lang.M("The whole history of one record, oldest first."), []string{p.Opsdeck("audit trace ORDER 1001")}},
		{
			lang.M("Who did the most, and which actions are most frequent."),
			[]string{p.Opsdeck("audit stats --since 7d --by user"), p.Opsdeck("audit stats --since 7d --by action")},
		},
		{lang.M("What was deleted, by whom."), []string{p.Opsdeck("audit list --action DELETE --since 7d")}},
		{
			lang.M("What changed in the tables themselves, if the audit has no row: the binlog."),
			[]string{p.Opsdeck("audit changes --since 2h")},
		},
		{
			lang.M("Export it to a file for somebody."),
			[]string{p.Opsdeck("audit export --format csv -o audit.csv --since 30d")},
		},
		{
			lang.M("Once a year: archive last year's rows, and delete them only after the archive is verified."),
			[]string{p.Opsdeck("audit archive --year " + strconv.Itoa(time.Now().Year()-1))},
		},
	}
}

func onCallPage(p Place) []Step {
	return []Step{
		{
			lang.M("First minute: what fails, since when, who is affected."),
			[]string{p.Opsdeck("alerts"), p.Opsdeck("status"), p.Opsdeck("logs --critical --since 1h"),
				p.Opsdeck("operations --limit 20")},
		},
		{lang.M("Acknowledge the alert that you work on, so that nobody else is called."),
			[]string{p.Opsdeck("watch ack RULE")}},
		{lang.M("Tell the users that you are working on it. Write down times."), nil},
		{lang.M("Use the runbook for what you see."), []string{
			p.Opsdeck(
				"runbook service-down",
			), p.Opsdeck("runbook mysql-down"), p.Opsdeck("runbook disk-full"), p.Opsdeck("runbook backup-failed"),
			p.Opsdeck("runbook troubleshooting"),
		}},
		{lang.M("Data is lost or wrong: stop writing first, restore second. A single transaction can be undone."),
			append(given(p.process.Stop), p.Opsdeck("audit changes --since 2h"), p.Opsdeck("runbook restore"))},
		{lang.M("A deployment was the cause: roll it back."),
			[]string{p.Opsdeck("deploy status"), p.Opsdeck("deploy undo --dry-run"), p.Opsdeck("runbook update")}},
		{
			lang.M("Not solved in 30 minutes, or data is at risk: call the next person on the list. Do not delete " +
				"anything, do not restart MySQL twice."),
			nil,
		},
		{lang.M("Afterwards: verify, and write the report: what, when, cause, what is lost, what prevents it."),
			[]string{p.Opsdeck("status"), p.Opsdeck("logs --level ERROR+ --since 30m"), p.Opsdeck("restore report")}},
	}
}

func handingOverPage(p Place) []Step {
	out := []Step{
		{
			lang.M("What this server is: service %s, database %s, backups in %s.", p.service.Name, p.database, p.dir),
			[]string{p.Opsdeck("config show"), p.Opsdeck("config check")},
		},
		{
			lang.M("The current state, and open issues."),
			[]string{p.Opsdeck("status"), p.Opsdeck("restore status"), p.Opsdeck("doctor")},
		},
		{lang.M("What was done lately, by whom."), []string{p.Opsdeck("operations --limit 50")}},
		{
			lang.M("Check that backups and drills run, and that the copies were verified."),
			[]string{p.Opsdeck("backup list"), p.Opsdeck("backup drills"), p.Opsdeck("backup schedule show")},
		},
		{
			lang.M("Hand over access: ssh, sudo, the options file, the age key, the accounts at the copies, the " +
				"alert targets. Never send secrets by chat."),
			[]string{"ls -l " + p.optionsFile()},
		},
		{
			lang.M("Hand over a new restore script, and where it is kept outside this machine."),
			[]string{p.script()},
		},
		{lang.M("Let the next person do a drill while you watch."), []string{p.Opsdeck("backup drill")}},
	}
	if p.newest != "" {
		out = append(
			out[:4],
			append(
				[]Step{
					{
						lang.M("The newest good backup is %s.", p.newest),
						[]string{p.Opsdeck("backup show " + p.newestName())},
					},
				},
				out[4:]...)...)
	}
	return out
}
