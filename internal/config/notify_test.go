package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKeysOfANotifyTargetFitItsKind(t *testing.T) {
	for text, want := range map[string]string{
		"{name: a, kind: pigeon}":                          `services[0].notify[0].kind: "pigeon" is not one of smtp`,
		"{name: a, kind: slack, tls: none}":                "tls: is only for the kind smtp, not for slack",
		"{name: a, kind: smtp, tls: maybe}":                `tls: "maybe" is not one of required`,
		"{name: a, kind: smtp, command: [x]}":              "command: is only for the kind command",
		"{name: a, kind: slack, template_file: x}":         "template_file: is only for the kind webhook",
		"{name: a, kind: slack, per_minute: -1}":           "per_minute: cannot be negative",
		"{name: a, kind: command, command: x}":             "a list",
		"{name: a, kind: webhook, labels: {a: b}}":         "labels: is only for the kind alertmanager",
		"{name: a, kind: webhook, template: x}":            "unknown key",
		"{name: a, kind: alertmanager, labels: {a: b}}":    "",
		"{name: a, kind: smtp, tls: implicit, ca_file: x}": "",
	} {
		_, err := Parse("c.yaml", []byte("services:\n  - name: q\n    notify:\n      - "+text+"\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestFilesOfATargetAreBelowTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	text := "services:\n  - name: q\n    notify:\n" +
		"      - {name: a, kind: webhook, url_file: u, template_file: t, ca_file: c}\n" +
		"      - {name: b, kind: command, command: [bin/page, x/y]}\n" +
		"      - {name: c, kind: command, command: [page]}\n" +
		"      - {name: d, kind: syslog, address: log}\n" +
		"      - {name: e, kind: syslog, address: \"udp://h:514\"}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	n := l.Services[0].Notify
	got := []string{n[0].URLFile, n[0].TemplateFile, n[0].CAFile, n[1].Command[0], n[1].Command[1], n[2].Command[0],
		n[3].Address, n[4].Address}
	want := []string{dir + "/u", dir + "/t", dir + "/c", dir + "/bin/page", "x/y", "page", dir + "/log", "udp://h:514"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}
