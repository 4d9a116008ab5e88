package doctor

import "testing"

// The missing rights are named to the letter, and none where all are there.
func TestTheRightsOfAStandbyAreNamed(t *testing.T) {
	beside := "shop_db__standby_20261129_180000_abcd"
	b := Binlog{User: "ops@%", Grants: []string{"GRANT SELECT ON *.* TO `ops`@`%`", "GRANT ALL PRIVILEGES ON `shop\\_db\\_\\_%`.* TO `ops`@`%`"}}
	p := JudgeStandby(b, "shop", beside)
	if len(p.Findings) != 2 || p.Findings[0].Fix != "GRANT BINLOG_ADMIN ON *.* TO 'ops'@'%'" {
		t.Fatalf("%+v", p.Findings)
	}
	b.Maria = true
	b.Grants = b.Grants[:1]
	p = JudgeStandby(b, "shop", beside)
	if len(p.Findings) != 2 || p.Findings[1].Fix != "GRANT BINLOG REPLAY ON *.* TO 'ops'@'%'" {
		t.Fatalf("%+v", p.Findings)
	}
	b.Grants = []string{"GRANT ALL PRIVILEGES ON *.* TO `ops`@`%`"}
	if p = JudgeStandby(b, "shop", beside); len(p.Findings) != 0 {
		t.Fatalf("%+v", p.Findings)
	}
}
