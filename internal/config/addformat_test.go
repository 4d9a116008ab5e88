package config

import (
	"strings"
	"testing"
)

// TestAFormatIsAddedAndAllElseStays: the text of before is there line by line, comments too.
func TestAFormatIsAddedAndAllElseStays(t *testing.T) {
	f := LogFormat{Name: "it's", Pattern: `(?P<time>\d+) '(?P<level>\w)'`, Time: "%H:%M",
		Levels: map[string]string{"1": "error"}, Zone: "+08:00"}
	for _, before := range []string{
		"",
		"services: [{name: x}]",
		"# mine\nservices:\n  - name: x # the shop\n",
		"log_formats:\n  - name: a # first\n    pattern: '(?P<time>x)'\n\n# the services\nservices:\n  - name: x\n",
		"log_formats: # all\n- name: a\n  pattern: '(?P<time>x)'\n  # more to come\nservices:\n  - name: x\n",
		"services: [{name: x}]\nlog_formats:\n  - {name: a, pattern: '(?P<time>x)'}\n",
		"log_formats:\nservices: [{name: x}]\n",
	} {
		after, err := AddLogFormat("c.yaml", []byte(before), f)
		if err != nil {
			t.Errorf("%q: %v", before, err)
			continue
		}
		l, err := Parse("c.yaml", after)
		if err != nil {
			t.Fatalf("%s\n%v", after, err)
		}
		got := l.LogFormats[len(l.LogFormats)-1]
		if got.Name != f.Name || got.Pattern != f.Pattern || got.Time != f.Time || got.Levels["1"] != "error" ||
			got.Zone != f.Zone {
			t.Errorf("%s\nis read as %+v", after, got)
		}
		rest := string(after)
		for line := range strings.Lines(before) {
			i := strings.Index(rest, strings.TrimRight(line, "\n"))
			if i < 0 {
				t.Errorf("%s\nhas lost %q", after, line)
				break
			}
			rest = rest[i+len(strings.TrimRight(line, "\n")):]
		}
	}
	for _, before := range []string{
		"log_formats: [{name: a, pattern: '(?P<time>x)'}]\n",
		"log_formats:\n  - name: 'it''s'\n    pattern: '(?P<time>x)'\n",
	} {
		if after, err := AddLogFormat("c.yaml", []byte(before), f); err == nil {
			t.Errorf("%q becomes\n%s", before, after)
		}
	}
}
