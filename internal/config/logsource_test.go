package config

import (
	"slices"
	"strings"
	"testing"
)

// TestALogIsAPathOrKeys: the plain form stays as it is, in the file and where it is shown.
func TestALogIsAPathOrKeys(t *testing.T) {
	l, err := Parse("c.yaml", []byte(`
log_formats:
  - name: till
    pattern: '(?P<time>\S+) (?P<level>\d) '
    time: "%d.%m.%Y"
    levels: {"1": error}
    zone: +08:00
services:
  - name: x
    logs:
      - /var/log/a.log
      - {path: "/var/log/till*.log", zone: Asia/Shanghai, format: till}
      - "docker:web"
  - name: y
    logs: ["/var/log/b.log"]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := LogSources{{Path: "/var/log/a.log"}, {Path: "/var/log/till*.log", Zone: "Asia/Shanghai", Format: "till"},
		{Path: "docker:web"}}
	if got := l.Services[0].Logs; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if f := l.LogFormats[0]; f.Name != "till" || f.Levels["1"] != "error" || f.Zone != "+08:00" {
		t.Errorf("%+v", f)
	}
	shown := map[string]any{}
	for _, s := range l.Settings() {
		shown[s.Key] = s.Value
	}
	if got, _ := shown["services[1].logs"].([]string); !slices.Equal(got, []string{"/var/log/b.log"}) {
		t.Errorf("a plain list is shown as %v", shown["services[1].logs"])
	}
	if shown["services[0].logs[1].zone"] != "Asia/Shanghai" {
		t.Errorf("the zone is shown as %v", shown["services[0].logs[1].zone"])
	}
}

// TestAWrongLogIsNamedByItsKey.
func TestAWrongLogIsNamedByItsKey(t *testing.T) {
	for text, want := range map[string]string{
		"services: [{name: x, logs: [{path: a, zone: Mars/Base}]}]":                           "services[0].logs[0].zone",
		"services: [{name: x, logs: [{path: a, format: none}]}]":                              "services[0].logs[0].format",
		"services: [{name: x, logs: [{zone: UTC}]}]":                                          "services[0].logs[0]",
		"services: [{name: x, logs: [{path: a, fromat: b}]}]":                                 "fromat",
		"log_formats: [{name: a, pattern: '(?P<time>'}]":                                      "log_formats[0].pattern",
		"log_formats: [{name: a, pattern: 'x'}]":                                              "log_formats[0].pattern",
		"log_formats: [{pattern: '(?P<time>x)'}]":                                             "log_formats[0].name",
		"log_formats: [{name: a, pattern: '(?P<time>x)'}, {name: a, pattern: '(?P<time>x)'}]": "log_formats[1].name",
		"log_formats: [{name: a, pattern: '(?P<time>x)', levels: {x: loud}}]":                 "log_formats[0].levels",
		"log_formats: [{name: a, pattern: '(?P<time>x)', zone: nowhere}]":                     "log_formats[0].zone",
		"services: [{name: x, logs: [[a]]}]":                                                  "services[0].logs[0]",
		"services: [{name: x, logs: a}]":                                                      "services[0].logs",
	} {
		if _, err := Parse("c.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s named", text, err, want)
		}
	}
}
