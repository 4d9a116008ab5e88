package runbooks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
)

// TestTheLogsOfThisMachineAreListed: patterns stay patterns, whatever else is in the path, and
// what is no file is left out.
func TestTheLogsOfThisMachineAreListed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "千张 it's $HOME")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a-out.log", "a-out__1.log.gz", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := config.DefaultService()
	s.Logs = config.LogSources{{Path: "docker:back"}, {Path: filepath.Join(dir, "a-*.log*")}, {Path: "ssh://h/x.log"}}
	lines := PlaceOf(s, "opsdeck").logFiles("ls")
	if len(lines) != 1 {
		t.Fatal(lines)
	}
	out, err := exec.Command("bash", "-c", lines[0]).CombinedOutput()
	if got := strings.Fields(strings.ReplaceAll(string(out), dir+"/", "")); err != nil ||
		strings.Join(got, " ") != "a-out.log a-out__1.log.gz" {
		t.Errorf("%s: %v %s", lines[0], err, out)
	}
	s.Logs = config.LogSources{{Path: "journald:u"}}
	if lines := PlaceOf(s, "opsdeck").logFiles("ls"); lines != nil {
		t.Errorf("%q", lines)
	}
}

// TestARunbookNamesOnlyTheChecksOfItsService: a check that a service does not have is a mistake
// when it is typed.
func TestARunbookNamesOnlyTheChecksOfItsService(t *testing.T) {
	bare := config.DefaultService()
	bare.Redis.Address = ""
	bare.Health.URL = ""
	bare.Logs = nil
	bare.Process = config.Process{Kind: "systemd", Name: "shop"}
	for _, c := range []struct {
		service config.Service
		says    bool
	}{{config.DefaultService(), true}, {bare, false}} {
		p := PlaceOf(c.service, "opsdeck")
		all := ""
		for _, r := range All {
			all += r.Markdown(lang.English(), p)
		}
		for _, line := range []string{"status --only redis", "status --only health,ready --watch 2s",
			"status --only logs",
			"pm2 conf pm2-logrotate"} {
			if strings.Contains(all, line) != c.says {
				t.Errorf("%q: %v", line, !c.says)
			}
		}
	}
}
