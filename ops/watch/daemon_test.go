package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func daemon() Daemon {
	return Daemon{
		Command: []string{"/usr/bin/env", "--config", "/etc/my own 100%.yaml", "watch"},
		Write:   []string{"/var/lib/opsdeck", "/var/backups/my sql"},
	}
}

// TestTheDaemonsUnitIsHardened asks the real systemd-analyze.
func TestTheDaemonsUnitIsHardened(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	u := daemon().Systemd()
	path := filepath.Join(t.TempDir(), u.Name)
	if err := os.WriteFile(path, []byte(u.Text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", path).CombinedOutput()
	m := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindSubmatch(out)
	if m == nil {
		t.Skipf("this systemd-analyze gives no score: %v %s", err, out)
	}
	if score, _ := strconv.ParseFloat(string(m[1]), 64); score >= 3 {
		t.Errorf("exposure %s", m[1])
	}
	if out, err := exec.Command(tool, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
}

func TestTheDaemonsLineInACrontabIsReplaced(t *testing.T) {
	d := daemon()
	once := d.Crontab("0 1 * * * other\n")
	if !strings.Contains(once, "0 1 * * * other\n@reboot /usr/bin/env --config '/etc/my own 100\\%.yaml' watch # opsdeck-watch\n") {
		t.Fatal(once)
	}
	if twice := d.Crontab(once); twice != once {
		t.Fatal(twice)
	}
}
