package typed

import "testing"

func TestCommandsNameTheirConfiguration(t *testing.T) {
	program := Program("/etc/my ops.yaml", "千张")
	if want := "opsdeck --config '/etc/my ops.yaml' --service '千张'"; program != want {
		t.Errorf("%s, want %s", program, want)
	}
	if Program("", "") != "opsdeck" {
		t.Error(Program("", ""))
	}
	const p = "opsdeck --config c"
	for _, c := range []struct{ in, want string }{
		{"make one: opsdeck backup create", "make one: opsdeck --config c backup create"},
		{"`opsdeck alerts`; or opsdeck watch.", "`opsdeck --config c alerts`; or opsdeck --config c watch."},
		{"查看：opsdeck status，然后", "查看：opsdeck --config c status，然后"},
		{"opsdeck --config d backup list", "opsdeck --config d backup list"},
		{"/usr/bin/opsdeck status was run", "/usr/bin/opsdeck status was run"},
		{"the opsdeck that made it; opsdeck statuses", "the opsdeck that made it; opsdeck statuses"},
		{"", ""},
	} {
		got := Text(p, c.in)
		if got != c.want || Text(p, got) != c.want {
			t.Errorf("%q: %q, again %q, want %q", c.in, got, Text(p, got), c.want)
		}
		if plain := Text("opsdeck", c.in); plain != c.in {
			t.Errorf("%q became %q", c.in, plain)
		}
	}
}
