package deploy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// find is the first finding of a name.
func find(t *testing.T, all []Finding, name string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no finding %s in %+v", name, all)
	return Finding{}
}

func TestWhatCannotBeSeenIsNeverOK(t *testing.T) {
	all := JudgeMachine(Machine{}, Needs{Memory: 1, Disk: 1, Node: 18, Docker: true})
	all = append(all, JudgeWeb(Web{})...)
	all = append(all, JudgeBoot(Fact[Boot]{}, "x")...)
	all = append(all, JudgeSettings(Settings{})...)
	all = append(all, JudgeServer(Fact[Server]{})...)
	all = append(all, JudgeServer(Known(Server{}))[1:]...)
	all = append(all, JudgePorts([]Place{{Port: 1, What: "x"}})...)
	all = append(all, JudgeFiles([]File{{Path: "/x"}})...)
	all = append(all, JudgeSecrets(nil, nil), JudgeSecrets(nil, []string{"/x"}))
	for _, f := range all {
		if f.State == ops.StateOK || f.Detail.Empty() || f.Why.Empty() {
			t.Errorf("%s: %s %q %q", f.Name, f.State, f.Detail, f.Why)
		}
	}
}

func TestEachProblemOfAMachineIsNamed(t *testing.T) {
	good := Machine{OS: Known(OS{"ubuntu", "22.04", "Ubuntu 22.04"}), Memory: Known[int64](2 << 30),
		Disk: Known(Disk{"/", 8 << 30, 20 << 30}), Docker: Known(Tool{Version: "27"}),
		Compose: Known(Tool{Version: "2"}),
		Node:    Known(Tool{Version: "v18.20.4"}), NPM: Known(Tool{Version: "10"}),
		Firewall:    Known(Firewall{By: "ufw"}),
		ClockInStep: Known(true), OldJobs: Known[[]Job](nil)}
	needs := Needs{Memory: 2 << 30, Disk: 10 << 30, Node: 18, Docker: true}
	if v := Verdict(JudgeMachine(good, needs)); v != ops.StateOK {
		t.Fatalf("a good machine is %s: %+v", v, JudgeMachine(good, needs))
	}
	for name, change := range map[string]func(*Machine){
		"os":            func(m *Machine) { m.OS = Known(OS{"ubuntu", "20.04", "Ubuntu 20.04"}) },
		"memory":        func(m *Machine) { m.Memory = Known[int64](1 << 30) },
		"disk":          func(m *Machine) { m.Disk = Known(Disk{"/", 1 << 20, 20 << 30}) },
		"docker":        func(m *Machine) { m.Docker = Unknown[Tool](lang.M("permission denied")) },
		"compose":       func(m *Machine) { m.Compose = Known(Tool{Absent: true}) },
		"node":          func(m *Machine) { m.Node = Known(Tool{Version: "v16.1.0"}) },
		"npm":           func(m *Machine) { m.NPM = Known(Tool{Absent: true}) },
		"firewall":      func(m *Machine) { m.Firewall = Known(Firewall{}) },
		"time-sync":     func(m *Machine) { m.ClockInStep = Known(false) },
		"old-cron-jobs": func(m *Machine) { m.OldJobs = Known([]Job{{"crontab -l", "0 2 * * * /opt/backup.sh"}}) },
	} {
		m := good
		change(&m)
		all := JudgeMachine(m, needs)
		if f := find(t, all, name); f.State < ops.StateWarning || f.Why.Empty() || f.Fix == "" {
			t.Errorf("%s: %+v", name, f)
		}
		for _, f := range all {
			if f.Name != name && f.State != ops.StateOK {
				t.Errorf("%s: %s is %s too", name, f.Name, f.State)
			}
		}
	}
}

func TestAPortTakenByAnotherProcessIsNamed(t *testing.T) {
	ours, foreign := Known(true), Known(false)
	place := Place{Port: 3000, What: "api", Owned: true, Running: true}
	held := func(all ...Holder) Place {
		p := place
		p.Held = Known(all)
		return p
	}
	for _, c := range []struct {
		p     Place
		state ops.State
		says  string
	}{
		{held(Holder{PID: 99, Name: "python3", Ours: foreign}), ops.StateCritical, "python3 (pid 99)"},
		{held(Holder{PID: 7, Name: "node", Ours: ours}), ops.StateOK, "node (pid 7)"},
		// as on [::1] and 127.0.0.1
		{held(Holder{PID: 7, Ours: ours}, Holder{PID: 99, Ours: foreign}), ops.StateCritical, "pid 99"},
		{held(Holder{PID: 9, Ours: Unknown[bool](lang.M("permission denied"))}), ops.StateUnknown, "permission denied"},
		{held(Holder{}), ops.StateUnknown, "root only"},
		{held(), ops.StateWarning, "nothing listens"},
		{Place{Port: 3306, What: "MySQL", Inner: true, Held: Known([]Holder{{PID: 1, Name: "mysqld", Public: true}})},
			ops.StateWarning, "every address"},
	} {
		f := judgePort(c.p)
		if f.State != c.state || !strings.Contains(f.Detail.String(), c.says) {
			t.Errorf("%+v: %+v", c.p, f)
		}
		if f.State == ops.StateCritical && f.Fix != "ps -fp 99" {
			t.Errorf("%+v: %+v", c.p, f)
		}
	}
}

func TestSettingsAreComparedByKeyAndNeverShowAValue(t *testing.T) {
	const secret = "hunter2hunter2"
	started := time.Unix(1000, 0)
	s := Settings{Path: "/srv/.env", Modified: started.Add(time.Minute),
		Env:      Known(ParseEnv("DB_PASSWORD=" + secret + "\nPORT=3001\nEMPTY=\nEXTRA=千张\nDB_HOST=localhost")),
		Example:  Known(ParseEnv("DB_PASSWORD=\nPORT=3000\nEMPTY=x\nJWT_SECRET=\n")),
		Running:  Known(Running{PID: 5, Since: started, Env: map[string]string{"DB_PASSWORD": "other" + secret}}),
		Expected: map[string]string{"PORT": "3000", "DB_HOST": "127.0.0.1"}}
	all := JudgeSettings(s)
	for name, want := range map[string]string{
		"env-example": "missing: JWT_SECRET; empty: EMPTY; not in the example: EXTRA, DB_HOST",
		"env-opsdeck": "configured differently: PORT", "env-running": "other values of: DB_PASSWORD",
	} {
		f := find(t, all, name)
		if f.State != ops.StateWarning || !strings.HasSuffix(f.Detail.String(), want) {
			t.Errorf("%s: %s %q", name, f.State, f.Detail)
		}
	}
	s.Running.Value.Env = nil
	if f := find(t, JudgeSettings(s), "env-running"); f.State != ops.StateWarning {
		t.Errorf("changed after the start: %+v", f)
	}
	secrets := append(SecretsOf(s.Path, s.Env.Value), Secret{"my.cnf: password", "qianzhang_pwd_2026"})
	f := JudgeSecrets(secrets, nil)
	if f.State != ops.StateCritical || !strings.Contains(f.Detail.String(), "my.cnf: password") {
		t.Errorf("%+v", f)
	}
	if said := fmt.Sprint(all, f); strings.Contains(said, secret) || strings.Contains(said, "qianzhang_pwd") {
		t.Errorf("a secret is shown: %s", said)
	}
}

func TestEveryDefaultSecretIsKnown(t *testing.T) {
	for _, secret := range []string{"qianzhang_password", "123456", "change-me-in-production", "your-super-secret-jwt-key-2026",
		"qianzhang_root_2026", "qianzhang_pwd_2026", "qianzhang_redis_2026", "Admin@2026"} {
		e := ParseEnv("JWT_SECRET='" + secret + "'")
		if f := JudgeSecrets(SecretsOf(".env", e), nil); f.State != ops.StateCritical {
			t.Errorf("%s: %s", secret, f.State)
		}
	}
	if f := JudgeSecrets([]Secret{{"x", "V3ry-own"}}, nil); f.State != ops.StateOK {
		t.Errorf("%+v", f)
	}
	if f := JudgeSecrets([]Secret{{"x", "V3ry-own"}}, []string{"/root/.my.cnf"}); f.State != ops.StateUnknown {
		t.Errorf("one place could not be read: %+v", f)
	}
}

// TestTheFirewallLeavesTheDoorsOpen: its command must not lock anybody out.
func TestTheFirewallLeavesTheDoorsOpen(t *testing.T) {
	for _, c := range []struct {
		ufw   bool
		doors []Door
		want  string
	}{
		{true, nil, "sudo ufw allow 22/tcp && sudo ufw enable"},
		{true, []Door{{443, "nginx"}, {2222, "sshd"}, {80, "nginx"}},
			"sudo ufw allow 80/tcp && sudo ufw allow 443/tcp && sudo ufw allow 2222/tcp && sudo ufw enable"},
		{false, []Door{{3000, ""}}, "sudo apt-get install ufw && sudo ufw allow 22/tcp && sudo ufw allow 3000/tcp && sudo ufw enable"},
	} {
		m := Machine{Firewall: Known(Firewall{UFW: c.ufw})}
		if f := find(t, JudgeMachine(m, Needs{Doors: c.doors}), "firewall"); f.Fix != c.want {
			t.Errorf("%+v: %s", c, f.Fix)
		}
	}
}

// A container that only the configuration names may be a default: MySQL may run
// elsewhere, so that Docker's silence is no proof of a fault.
func TestDockerIsNeededByNameAlone(t *testing.T) {
	m := Machine{Docker: Unknown[Tool](lang.M("no daemon"))}
	for _, c := range []struct {
		needs Needs
		want  ops.State
	}{
		{Needs{Docker: true, Container: "shop-mysql"}, ops.StateCritical},
		{Needs{Container: "shop-mysql"}, ops.StateWarning},
		{Needs{}, ops.StateOK},
	} {
		if f := find(t, JudgeMachine(m, c.needs), "docker"); f.State != c.want {
			t.Errorf("%+v: %s", c.needs, f.State)
		}
	}
}

func TestTheFixOfACharacterSetNamesTheDatabase(t *testing.T) {
	f := find(t, JudgeServer(Known(Server{Database: "千张`s", Charset: "latin1"})), "mysql-charset")
	if f.State != ops.StateWarning || f.Fix != "ALTER DATABASE `千张``s` CHARACTER SET utf8mb4" {
		t.Errorf("%+v", f)
	}
}
