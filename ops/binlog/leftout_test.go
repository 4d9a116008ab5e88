package binlog

import "testing"

// TestWhatALogLeavesOut checks the filters' rules: with binlog-do-db, only what it names
// is logged.
func TestWhatALogLeavesOut(t *testing.T) {
	for _, c := range []struct {
		of   *LeftOut
		want string
	}{
		{nil, ""},
		{&LeftOut{}, ""},
		{&LeftOut{Do: []string{"shop"}}, ""},
		{&LeftOut{Do: []string{"crm", "hr"}}, "binlog-do-db=crm,hr"},
		{&LeftOut{Ignore: []string{"crm", "shop"}}, "binlog-ignore-db=crm,shop"},
		{&LeftOut{Ignore: []string{"shop_old"}}, ""},
		{&LeftOut{Applied: "log_slave_updates"}, "log_slave_updates=OFF"},
	} {
		if got := c.of.Setting("shop"); got != c.want {
			t.Errorf("%+v: %q, not %q", c.of, got, c.want)
		}
	}
}
