package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
)

func TestContractExampleIsTheFieldsServer(t *testing.T) {
	got, err := Parse("config.yaml", []byte(`services:
  - name: qianzhang
    health: {url: "http://localhost:3000"}
    database: {name: qianzhang_sales, options_file: ~/.my.cnf}   # or host, port, socket, user
    redis: {address: "127.0.0.1:6379"}
    process: {kind: pm2, name: qianzhang-backend}
    logs: ["~/.pm2/logs/qianzhang-backend-*.log*"]
    audit: {table: audit_logs}
    backup: {dir: /var/backups/mysql, keep: {daily: 7, weekly: 4, monthly: 12}}
    restore: {key_tables: [customers, orders, ar_invoices]}
    notify: []
state_dir: /var/lib/opsdeck
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if len(got.Services) != 1 || got.StateDir != "/var/lib/opsdeck" {
		t.Fatalf("got %+v", got.Config)
	}
	g, w := got.Services[0], want.Services[0]
	if g.Backup.Keep != w.Backup.Keep || g.Health.Interval != w.Health.Interval || g.Database != w.Database ||
		g.Process != w.Process {
		t.Fatalf("got  %+v\nwant %+v", g, w)
	}
}

func TestErrorsNameTheLineAndTheNearMiss(t *testing.T) {
	for text, want := range map[string]string{
		"services:\n  - name: a\n    helth: {}\n": `c.yaml:3: unknown key "services[0].helth" (did you mean "health"?)`,
		"statedir: x\n":                `c.yaml:1: unknown key "statedir" (did you mean "state_dir"?)`,
		"state_dir: x\nstate_dir: y\n": `c.yaml:2: `,
		"services:\n  - name: a\n    backup:\n      jobs: many\n": `c.yaml:4: services[0].backup.jobs needs a whole number, not "many"`,
		"services: shop\n":                                     `c.yaml:1: services needs a list, not "shop"`,
		"services:\n  - name: a\n    backup: 5\n":              `c.yaml:3: services[0].backup needs keys with values, not "5"`,
		"services:\n  - name: a\n    logs: x\n":                `c.yaml:3: services[0].logs needs a list, not "x"`,
		"services:\n  - name: a\n    logs: [{a: b}]\n":         `c.yaml:3: unknown key "services[0].logs[0].a"`,
		"services:\n  - name: a\n    health: {disk_free: x}\n": `c.yaml:3: services[0].health.disk_free needs a number`,
		"hello\n": `c.yaml:1: the file needs keys with values, not "hello"`,
		"services:\n  - name: a\n    health:\n      timeout: soon\n": `c.yaml:4: `,
		"services:\n  - name: a\n  - name: a\n":                      `two services have the name "a"`,
		"services:\n  - name: a\n    backup:\n      copies:\n        - {name: off, kind: rsync, target: a}\n" +
			"        - {name: off, kind: rsync, target: b}\n": `two copies have the name "off"`,
		"services:\n  - name: a\n    process: {kind: pm3}\n":        `c.yaml:3: services[0].process.kind: "pm3" is not one of pm2`,
		"services:\n  - name: a\n    backup: {daily: every day}\n":  `is not a cron schedule`,
		"services:\n  - name: a\n    backup: {keep: {daily: -1}}\n": `cannot be negative`,
		"services:\n  - name: a\n    health: {url: localhost}\n":    `is not an http or https address`,
		"services: {\n":     `c.yaml:`,
		"a: 1\n---\nb: 2\n": `several YAML documents`,
		"services:\n  - name: a\n    backup: {keep: {daily: 0, weekly: 0, monthly: 0}}\n": `would keep no backup at all`,
	} {
		_, err := Parse("c.yaml", []byte(text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestErrorsSpeakChinese(t *testing.T) {
	_, err := Parse("c.yaml", []byte("statedir: x\n"))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if got, want := lang.For("zh").Msg(e.Msg()), `c.yaml:1：未知的键 "statedir"（是否想写 "state_dir"？）`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestSilentFileGivesDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "services: []\n", "---\n"} {
		got, err := Parse("c.yaml", []byte(text))
		if err != nil || got.Services[0].Database.Name != "qianzhang_sales" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAnotherServiceInheritsPolicyButNoNames(t *testing.T) {
	got, err := Parse("c.yaml", []byte("services:\n  - name: shop\n    health: {interval: 10s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := got.Services[0]
	if s.Database.Name != "" || s.Process.Kind != "none" || s.Health.URL != "" || len(s.Logs) != 0 {
		t.Errorf("inherited names: %+v", s)
	}
	if s.Backup.Keep.Daily != 7 || s.Health.Interval != 10*time.Second || s.Health.Timeout != 2*time.Second {
		t.Errorf("lost policies: %+v", s)
	}
}

func TestSettingsSayWhereTheyCameFrom(t *testing.T) {
	got, err := Parse("c.yaml", []byte("services:\n  - name: shop\n    backup:\n      dir: /b\n"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, s := range got.Settings() {
		sources[s.Key] = s.Source
	}
	if sources["services[0].backup.dir"] != "c.yaml:4" || sources["services[0].backup.jobs"] != "default" {
		t.Fatalf("got %v", sources)
	}
}

func TestFindFollowsTheContract(t *testing.T) {
	dir := t.TempDir()
	env := func(k string) string { return map[string]string{"XDG_CONFIG_HOME": dir}[k] }
	want := filepath.Join(dir, "opsdeck", "config.yaml")
	os.MkdirAll(filepath.Dir(want), 0o700)
	os.WriteFile(want, nil, 0o600)
	if got := Find("", env); got != want {
		t.Errorf("Find = %q", got)
	}
	if got := Find("/nowhere/x.yaml", env); got != "/nowhere/x.yaml" {
		t.Errorf("Find = %q", got)
	}
}

func TestLoadOfAMissingFileFails(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none.yaml"), dir} {
		if _, err := Load(path); err == nil {
			t.Errorf("Load(%q) worked", path)
		}
	}
}

func TestReadSecretRefusesWhatOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	os.WriteFile(path, []byte("hush\n"), 0o644)
	if _, err := ReadSecret(path); err == nil {
		t.Fatal("read a world-readable secret")
	}
	os.Chmod(path, 0o600)
	if got, err := ReadSecret(path); got != "hush" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("services:  ! ")
	f.Add("services:\n  - name: a\n    backup: {keep: {daily: 7}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse("c.yaml", []byte(text))
		if err == nil && len(got.Services) == 0 {
			t.Fatal("no service and no error")
		}
	})
}

func TestRelativePathsAreBelowTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	text := "state_dir: state\nservices:\n  - name: q\n    database: {options_file: my.cnf, socket: /run/s}\n    " +
		"backup: {dir: ../b, identity: ~/key}\n" +
		"    logs: [\"logs/*.log\", \"docker:back\", \"journald:u\"]\n    health: {disks: [d]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	l, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s := l.Services[0]
	got := append(
		[]string{l.StateDir, s.Database.OptionsFile, s.Database.Socket, s.Backup.Dir, s.Backup.Identity},
		append(s.Logs.Paths(), s.Health.Disks...)...)
	want := []string{
		dir + "/state",
		dir + "/my.cnf",
		"/run/s",
		filepath.Dir(dir) + "/b",
		"~/key",
		dir + "/logs/*.log",
		"docker:back",
		"journald:u",
		dir + "/d",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}

func TestTiersThatACopyDoesNotNameAreAsLocal(t *testing.T) {
	loaded, err := Parse("x.yaml", []byte(`services:
  - name: a
    backup:
      keep: {daily: 8, emergency: 2}
      copies:
        - {name: off, kind: rsync, target: "u@h:/x", keep: {daily: 30, monthly: 24}}
        - {name: none, kind: rsync, target: "u@h:/x", keep: {daily: 30, emergency: 0}}
        - {name: same, kind: rsync, target: "u@h:/x"}
`))
	if err != nil {
		t.Fatal(err)
	}
	copies := loaded.Services[0].Backup.Copies
	for i, want := range []Keep{{30, 4, 24, 2, 5}, {30, 4, 12, 0, 5}, {}} {
		if copies[i].Keep != want {
			t.Errorf("%s keeps %+v, want %+v", copies[i].Name, copies[i].Keep, want)
		}
	}
}
