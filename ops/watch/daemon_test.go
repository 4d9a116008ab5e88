package watch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func daemon() Daemon {
	return Daemon{
		Command: []string{"/usr/bin/env", "--config", "/etc/my own 100%.yaml", "watch"},
		Write:   []string{"/var/lib/opsdeck", "/var/backups/my sql"},
	}
}

// exposure is the score that the real systemd-analyze gives a unit.
func exposure(t *testing.T, path string) float64 {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", path).CombinedOutput()
	m := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindSubmatch(out)
	if m == nil {
		t.Skipf("this systemd-analyze gives no score: %v %s", err, out)
	}
	score, _ := strconv.ParseFloat(string(m[1]), 64)
	return score
}

func TestTheDaemonsUnitIsHardened(t *testing.T) {
	u := daemon().Systemd()
	path := filepath.Join(t.TempDir(), u.Name)
	if err := os.WriteFile(path, []byte(u.Text), 0o644); err != nil {
		t.Fatal(err)
	}
	if score := exposure(t, path); score >= 3 {
		t.Errorf("exposure %v", score)
	}
	if out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
}

// TestThePackagesUnitsAreHardened: those of the .deb and the .rpm too.
func TestThePackagesUnitsAreHardened(t *testing.T) {
	for _, name := range []string{"opsdeck-watch.service", "opsdeck-serve.service"} {
		path, err := filepath.Abs(filepath.Join("..", "..", ".ci", "pack", name))
		if err != nil {
			t.Fatal(err)
		}
		if score := exposure(t, path); score >= 3 {
			t.Errorf("%s: exposure %v", name, score)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(hardening) {
			if line != "ProtectSystem=strict\n" && !strings.Contains(string(text), line) {
				t.Errorf("%s lacks %s", name, line)
			}
		}
	}
}

// TestTheDaemonMayDoWhatItsChecksNeed: with the capabilities of its unit and no others, root
// reaches the socket of another user's PM2 and sees whose process it is.
func TestTheDaemonMayDoWhatItsChecksNeed(t *testing.T) {
	tool, err := exec.LookPath("setpriv")
	if err != nil || os.Getuid() != 0 {
		t.Skip("not root, or no setpriv", err)
	}
	const nobody = 65534
	path := filepath.Join(t.TempDir(), "rpc.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(os.Chown(path, nobody, nobody), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	other := exec.Command(tool, "--reuid=65534", "--regid=65534", "--clear-groups", "cat")
	in, err := other.StdinPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer in.Close()
	proc := fmt.Sprintf("/proc/%d", other.Process.Pid)
	for { // until it is that user's and runs cat
		text, err := os.ReadFile(proc + "/comm")
		if err != nil {
			t.Fatal(err)
		}
		if string(text) == "cat\n" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	of := func(capabilities string) string {
		set := "-all"
		for _, c := range strings.Fields(capabilities) {
			set += ",+" + strings.ToLower(strings.TrimPrefix(c, "CAP_"))
		}
		out, _ := exec.Command(tool, "--bounding-set="+set, "--inh-caps=-all", "sh", "-c",
			"test -w "+path+" && readlink "+proc+"/cwd >/dev/null && echo both").CombinedOutput()
		return string(out)
	}
	_, rest, _ := strings.Cut(hardening, "CapabilityBoundingSet=")
	mine, _, _ := strings.Cut(rest, "\n")
	if got := of(mine); got != "both\n" {
		t.Errorf("with %s: %q", mine, got)
	}
	if got := of("CAP_DAC_READ_SEARCH"); got == "both\n" {
		t.Error("the test finds nothing: it works with fewer")
	}
}

func TestTheDaemonsLineInACrontabIsReplaced(t *testing.T) {
	d := daemon()
	once := d.Crontab("0 1 * * * other\n")
	if !strings.Contains(once,
		"0 1 * * * other\n@reboot /usr/bin/env --config '/etc/my own 100\\%.yaml' watch # opsdeck-watch\n") {
		t.Fatal(once)
	}
	if twice := d.Crontab(once); twice != once {
		t.Fatal(twice)
	}
}
