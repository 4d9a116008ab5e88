package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
)

// oneError decodes output that must be one JSON document.
func oneError(t *testing.T, out string) (e brokenJSON) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&e); err != nil {
		t.Errorf("%v in %q", err, out)
	}
	if err := d.Decode(new(any)); err != io.EOF {
		t.Errorf("more than one document: %q", out)
	}
	return e
}

// TestEveryCommandFailsInJSON: whatever keeps a command with --json from its answer is
// one JSON document on stdout with the exit code, and the sentence on stderr.
func TestEveryCommandFailsInJSON(t *testing.T) {
	broken := configFile(t, "services:\n  - name: q\n    databse: {name: q}\n")
	fine := configFile(t, "services:\n  - name: q\n    logs: []\nstate_dir: "+t.TempDir()+"\n")
	words := map[string][]string{
		"audit trace": {"ORDER", "1"}, "audit export": {"--format", "csv", "-o", t.TempDir() + "/x"},
		"audit archive": {"--year", "2024"}, "audit restore-archive": {"x.sql.gz"}, "backup show": {"x"},
		"backup remove": {"x"}, "backup accept": {"x"},
		"logs learn": {"x.log"}, "restore rescue": {"--table", "t"}, "restore set-aside": {"x"},
		"restore rewind": {"--txn", "x"},
		"deploy plan":    {"x"}, "deploy run": {"x"},
	}
	for _, c := range []struct {
		says string
		code int
		args []string
	}{
		{"databse", 78, []string{"--config", broken}},
		{"nosuchflag", 64, []string{"--config", fine, "--nosuchflag"}},
		{"nosuchservice", 78, []string{"--config", fine, "--service", "nosuchservice"}},
		{"timeout", 64, []string{"--config", fine, "--timeout", "soon"}},
	} {
		for _, name := range jsonCommands {
			if c.code == 78 && slices.Contains([]string{"runbook", "logs learn", "config check"}, name) {
				continue // they answer without a configuration, or about it
			}
			var out, errs bytes.Buffer
			args := append(strings.Fields(strings.TrimSuffix(name, " search")), words[name]...)
			args = append(append(args, "--json", "--lang", "en"), c.args...)
			code := run(context.Background(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			if code == 0 && c.says == "nosuchservice" && out.Len() > 0 {
				continue // it needs no service
			}
			e := oneError(t, out.String())
			if code != c.code || e.ExitCode != c.code || !strings.Contains(e.Error, c.says) {
				t.Errorf("%q: exit %d, want %d and %q: %+v\n%s", args, code, c.code, c.says, e, errs.String())
			}
			if !strings.Contains(errs.String(), e.Error) {
				t.Errorf("%q: stderr does not say it: %s", args, errs.String())
			}
			if restores := strings.HasPrefix(name, "restore "); (e.Result == "refused") != restores {
				t.Errorf("%q: result %q", args, e.Result)
			}
		}
	}
}
