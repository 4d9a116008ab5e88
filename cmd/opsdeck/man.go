package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"

	"opsdeck/internal/lang"
	"opsdeck/ops/doctor"
)

type manCmd struct{}

// Run prints the manual page in roff.
func (c *manCmd) Run(a *app, k *kong.Kong) error {
	description := a.lang.T("Without a command opsdeck opens the console.") + " " +
		a.lang.T("Each command does one of its tasks from a shell; --json is for programs.") + " " +
		a.lang.T("Results go to standard output, progress and errors to standard error.")
	page := mangokong.NewManPage(1, k.Model).WithLongDescription(description).
		WithSection("Exit status", manList(a.printer, manExits)).
		WithSection("Files", manList(a.printer, manFiles)).
		WithSection("Environment", manList(a.printer, manEnvironment)).
		WithSection("Privileges of the database user", manPrivileges(a.printer)).
		WithSection("Examples", manList(a.printer, manExamples))
	_, err := fmt.Fprint(a.out, page.Build(roff.NewDocument()))
	return err
}

// manEntry is a word of the manual and what it means.
type manEntry struct {
	name string
	what lang.Msg
}

var manExits = []manEntry{
	{"0", lang.M("done")},
	{"1", lang.M("failed")},
	{"64", lang.M("the command line is wrong, or --read-only refused it")},
	{"75", lang.M("busy, or the server cannot be reached: try again")},
	{"78", lang.M("the configuration cannot be used")},
	{"130", lang.M("interrupted")},
	{"status, doctor, deploy check", lang.M("0 ok, 1 warning, 2 critical, 3 unknown")},
}

var manFiles = []manEntry{
	{"~/.config/opsdeck/config.yaml", lang.M("this user's configuration")},
	{"/etc/opsdeck/config.yaml", lang.M("the machine's configuration, if the user has none")},
	{"/var/lib/opsdeck", lang.M("root's record of operations, restores, drills and locks")},
	{"~/.local/state/opsdeck", lang.M("the same for other users")},
	{"FILE.manifest.json", lang.M("the contents of the backup FILE, and the hashes to verify it")},
	{"~/.my.cnf", lang.M("login and TLS of the database; passwords come only from here")},
}

var manEnvironment = []manEntry{
	{"LC_ALL, LC_MESSAGES, LANG", lang.M("the language, if neither --lang nor the configuration sets it")},
	{"TZ", lang.M("the time zone for display")},
	{"NO_COLOR, TERM=dumb", lang.M("no colour")},
	{"XDG_CONFIG_HOME, XDG_STATE_HOME", lang.M("instead of ~/.config and ~/.local/state")},
}

var manExamples = []manEntry{
	{"opsdeck status --only mysql,backup", lang.M("check the database and the backups")},
	{"opsdeck logs --level error+ --since -2h timeout", lang.M("errors of the last two hours that contain a word")},
	{"opsdeck logs --by context --stat took --sort p95 --top 10", lang.M("find the slowest contexts")},
	{
		"opsdeck logs --pairs 'start /import (\\d+) begins/ end /import (\\d+) (done|failed)/'",
		lang.M("list imports by duration, and those that did not end"),
	},
	{"opsdeck logs --since 14:00 --until 15:00 --compare 13:00", lang.M("see what one hour logged that the " +
		"previous hour did not")},
	{"opsdeck logs --stat took --over 5m --since -6h", lang.M("see how response times changed over six hours")},
	{"opsdeck backup create", lang.M("make a backup")},
	{"opsdeck restore --plan", lang.M("show what a restore of the newest good backup would do")},
	{"opsdeck audit changes --largest --since 1h", lang.M("find the transaction that changed the most rows in the " +
		"last hour")},
	{"opsdeck restore rewind --txn ID --plan", lang.M("show how one transaction would be undone, row by row")},
	{"opsdeck restore --until 2026-01-29T14:03:12 --plan", lang.M("show a restore to a moment between backups")},
	{"opsdeck audit export -o - user:1", lang.M("write what a user did to standard output")},
	{
		"opsdeck serve --listen 0.0.0.0:3080 --tls-cert tls.crt --tls-key tls.key --token-file token",
		lang.M("serve health and metrics to other machines"),
	},
	{"opsdeck serve --print-rules > opsdeck-rules.yaml", lang.M("write alerting rules for Prometheus")},
	{"source <(opsdeck completion bash)", lang.M("complete commands and names in bash")},
}

// manPrivileges is what each command needs on the server, as GRANT takes it.
func manPrivileges(a *printer) string {
	lines := []string{a.lang.T("`opsdeck doctor` prints the GRANT statements that are missing.")}
	for _, n := range doctor.Manual() {
		lines = append(lines, "* "+string(n.Verb)+": "+n.Rights)
	}
	return strings.Join(lines, "\n")
}

// manList is a list as the roff writer takes it: an entry a line, with a star.
func manList(a *printer, entries []manEntry) string {
	lines := make([]string, 0, len(entries))
	for _, e := range entries {
		lines = append(lines, "* "+e.name+": "+a.lang.Msg(e.what))
	}
	return strings.Join(lines, "\n")
}
