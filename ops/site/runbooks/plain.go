package runbooks

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/probe"
)

// plainRestoreBody is the restore as a script of bash that needs no opsdeck; what is of
// this server comes before it, as assignments.
//
//go:embed restore.sh
var plainRestoreBody string

// plainSentences are what the script says, by the names that it has for them.
var plainSentences = []struct {
	name string
	text lang.Msg
}{
	{"find", lang.M("Find the newest backup with a correct hash.")},
	{"confirm", lang.M("Confirm.")},
	{"stop", lang.M("Stop the service.")},
	{"save", lang.M("Back up the current state.")},
	{"load", lang.M("Load the backup.")},
	{"check", lang.M("Verify: tables, and rows of the key tables.")},
	{"start", lang.M("Start the service, and wait until it is ready.")},
	{"noclient",
		lang.M("neither mysql nor docker is here: install the mysql client, or run this in the server's container")},
	{"unknown", lang.M("unknown backup format:")},
	{"bad", lang.M("not used, its hash or its manifest is wrong:")},
	{"nobackup", lang.M("no backup matches its manifest; give one as argument; the folder is")},
	{"nofile", lang.M("no such file, or it is empty:")},
	{"proven", lang.M("length and hash are correct:")},
	{"unproven", lang.M("it has no manifest; only its compression and its last line are checked:")},
	{"unfinished", lang.M("it may be incomplete: its last line is not that of a finished dump; " +
		"to load it anyway, run this again with UNPROVEN=yes")},
	{"other", lang.M("the backup would also change other databases:")},
	{"type", lang.M("The database will be replaced. To continue, type its name,")},
	{"nothing", lang.M("nothing was changed")},
	{"byhand", lang.M("no command is configured, or it is already done: do it by hand")},
	{"stopfail", lang.M("the service could not be stopped: stop it by hand, then run this again with STOPPED=yes")},
	{"savefail", lang.M("the current state could not be backed up; to restore without that, run this again with " +
		"SKIP_EMERGENCY=yes")},
	{"incomplete", lang.M("incomplete, but kept: what could be read of the current state:")},
	{"gone", lang.M("the database does not exist: there is nothing to back up")},
	{"skip", lang.M("The current state is not backed up: SKIP_EMERGENCY=yes.")},
	{"tables", lang.M("tables:")},
	{"empty", lang.M("the database is empty")},
	{"lost", lang.M("in the backup, but not in the database after loading:")},
	{"left", lang.M("not in the backup, and not changed:")},
	{"notready", lang.M("loaded, but the service is not ready:")},
	{"ready", lang.M("ready:")},
	{"stopped", lang.M("STOPPED at:")},
	{"partly", lang.M("The database is only partly loaded: do not start the service.")},
	{"back", lang.M("to return to the previous state:")},
	{"done", lang.M("Done. Tell everyone involved: restored, and to which moment.")},
}

// PlainRestore is the restore of a place as a script that needs no opsdeck, made now.
func (p Place) PlainRestore(l *lang.Printer, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/usr/bin/env bash\n# %s\n",
		termsafe.Line(l.T("Restore %s without opsdeck: bash THIS-FILE [BACKUP]", p.database)))
	fmt.Fprintf(&b, "# %s\n",
		l.T("Made by opsdeck at %s. Keep a copy outside this machine.", now.Format("2006-01-02 15:04")))
	if p.newest != "" {
		fmt.Fprintf(&b, "# %s\n", termsafe.Line(l.T("Newest good backup at that time: %s", p.newest)))
	}
	b.WriteString("set -euo pipefail\numask 077\n\n")
	set := func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, quoteShell(value)) }
	list := func(name string, values []string) {
		words := make([]string, len(values))
		for i, v := range values {
			words[i] = quoteShell(v)
		}
		fmt.Fprintf(&b, "%s=(%s)\n", name, strings.Join(words, " "))
	}
	d := p.service.Database
	set("database", p.database)
	set("database_sql", sqlText(p.database))
	set("database_ident", schema.Ident(p.database))
	set("prefix", backupPrefix(p.database))
	set("dir", p.dir)
	set("container", d.Container)
	set("options_file", config.Home(d.OptionsFile))
	set("identity", config.Home(p.service.Backup.Identity))
	list("login", loginArgs(d))
	list("account", accountArgs(d))
	var tables []string
	for _, t := range p.service.Restore.KeyTables {
		tables = append(tables, schema.Ident(p.database)+"."+schema.Ident(t))
	}
	list("tables", tables)
	set("stop", p.process.Stop)
	set("start", p.process.Start)
	ready := ""
	if p.service.Health.URL != "" {
		ready = probe.Join(p.service.Health.URL, "/health/ready")
	}
	set("ready", ready)
	for _, s := range plainSentences {
		set("m_"+s.name, l.Msg(s.text))
	}
	b.WriteString(plainRestoreBody)
	return b.String()
}

// backupPrefix is how the names of a database's own backups begin.
func backupPrefix(database string) string {
	at := time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC)
	name := backup.Spec{Kind: backup.KindManual, Databases: []string{database}, At: at, Ext: ".sql.gz"}.Name(1)
	prefix, _, _ := strings.Cut(name, "_20060102_000000")
	return prefix
}

// loginArgs are the options of MySQL's programs for a server; the password stays in the
// options file.
func loginArgs(d config.Database) (args []string) {
	if d.OptionsFile != "" {
		args = append(args, "--defaults-file="+config.Home(d.OptionsFile)) // it must be the first
	}
	if d.Socket != "" {
		return append(append(args, "--socket="+d.Socket), accountArgs(d)...)
	}
	if d.Host != "" {
		args = append(args, "--host="+d.Host)
	}
	if d.Port != 0 {
		args = append(args, fmt.Sprintf("--port=%d", d.Port))
	}
	return append(args, accountArgs(d)...)
}

// accountArgs are the options of MySQL's programs for the user, where the configuration
// names one.
func accountArgs(d config.Database) []string {
	if d.User == "" {
		return nil
	}
	return []string{"--user=" + d.User}
}

// quoteShell is a word that the shell takes as it is: unlike human.Shell it leaves
// nothing for the shell to expand.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
