package tui

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
)

// several makes a test console one of two services.
func several(o Options, over string) Options {
	o.Services = Services{
		Names:   []string{"qianzhang", "shop-eu"},
		Program: func(service string) string { return "opsdeck --service " + service },
		Over:    over,
	}
	o.Program = o.Services.Program("qianzhang")
	return o
}

// TestEveryTabSaysWhoseItIs: of two services each tab names the one that it shows, in each
// size, and what is advised for the other switches to it first.
func TestEveryTabSaysWhoseItIs(t *testing.T) {
	first, _, _ := testConsole()
	c := New(several(first.o, "status"))
	c.size = page.Size{Width: 80, Height: 24}
	c.route(page.Verdict{State: ops.StateCritical,
		Text: lang.M("shop-eu: no tables; resume it: %s", lang.M("opsdeck --service shop-eu restore resume"))})
	for key, want := range map[string]string{
		"1": "all services; the other tabs show qianzhang, 0 switches",
		"2": "this tab shows qianzhang, 0 switches",
		"3": "resume it: press 0 for shop-eu, then 3, then R",
	} {
		press(c, key)
		if view := c.View(); !strings.Contains(view, want) {
			t.Errorf("tab %s does not say %q:\n%s", key, want, view)
		}
	}
	c.size = page.Size{Width: 40, Height: 10}
	if line := strings.Split(c.View(), "\n")[0]; !strings.Contains(line, "qianzhang") {
		t.Errorf("a small screen does not name the service: %q", line)
	}
	if view := first.View(); strings.Contains(view, "switches") {
		t.Errorf("a console of one service offers another:\n%s", view)
	}
}

// TestAnotherServiceIsChosen: the console ends, says which service comes next, and leaves it
// the lines that follow.
func TestAnotherServiceIsChosen(t *testing.T) {
	first, _, _ := testConsole()
	o := several(first.o, "")
	o.ReportDir = t.TempDir()
	in := bufio.NewReader(strings.NewReader("3\n0\nshop-eu\nthe next one's\n"))
	var out farEnd
	err := RunPlain(context.Background(), o, in, &out)
	var next *SwitchError
	if !errors.As(err, &next) || next.Service != "shop-eu" || next.Page != "restore" {
		t.Fatalf("it ended with %v", err)
	}
	if rest, _ := io.ReadAll(in); string(rest) != "the next one's\n" {
		t.Errorf("%q is left", rest)
	}
}
