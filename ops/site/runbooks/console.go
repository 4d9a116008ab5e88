package runbooks

import (
	"context"
	"os"
	"os/exec"

	"opsdeck/internal/lang"
	"opsdeck/ops/runbook"
)

// Console has the runbooks of a service, with their commands to run. Its function makes the
// place that they are filled with, which may take time.
type Console func(context.Context) Place

// Entries are the runbooks.
func (c Console) Entries() (out []runbook.Entry) {
	for _, r := range All {
		out = append(out, runbook.Entry{Name: r.Name, When: r.When})
	}
	return out
}

// Read fills a runbook for the service.
func (c Console) Read(ctx context.Context, name string) (b runbook.Book, err error) {
	r, _ := Named(name)
	p := c(ctx)
	b.Service = p.Service()
	b.Entry = runbook.Entry{Name: r.Name, When: r.When}
	for _, s := range r.Steps(p) {
		step := runbook.Step{Do: s.Do}
		for _, line := range s.Commands {
			step.Commands = append(step.Commands,
				runbook.Command{Line: line, Fill: NeedsFilling(line), Harm: Destroys(line)})
		}
		b.Steps = append(b.Steps, step)
	}
	return b, ctx.Err()
}

// runInTerminal runs its first argument, says how it ended by the second, and waits. The
// command is a job of its own, so that ctrl-C ends it and not the console; opsdeck in it is
// this program, wherever it is installed.
const runInTerminal = `opsdeck() { "$OPSDECK_PROGRAM" "$@"; }; export -f opsdeck; export OPSDECK_PROGRAM="$4"; ` +
	`printf '$ %s\n\n' "$1"; set -m; bash -c "$1"; code=$?; set +m; ` +
	`printf '\n%s: %d\n%s' "$2" "$code" "$3"; stty -isig 2>/dev/null; read -r _; stty isig 2>/dev/null`

// Command runs a line in the terminal.
func (c Console) Command(l *lang.Printer, line string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = "opsdeck"
	}
	cmd := exec.Command("bash", "-c", runInTerminal, "opsdeck", line, l.T("exit code"),
		l.T("Press Enter to return to opsdeck."), self)
	cmd.Stdin = os.Stdin
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	return cmd
}
