package doctor

import "testing"

// The missing rights are named to the letter, and none where all are there.
func TestTheRightsOfAStandbyAreNamed(t *testing.T) {
	at := Places{Live: "shop_db", Beside: "shop_db__standby_20261129_180000_abcd"}
	lines := []string{"GRANT SELECT ON *.* TO `ops`@`%`", "GRANT ALL PRIVILEGES ON `shop\\_db\\_\\_%`.* TO `ops`@`%`"}
	p := JudgeStandby(NewAccount("ops@%", "9.7.4", lines, nil), "shop", at)
	if len(p.Findings) != 1 || p.Findings[0].Fix != "GRANT BINLOG_ADMIN, SESSION_VARIABLES_ADMIN ON *.* TO 'ops'@'%'" {
		t.Fatalf("%+v", p.Findings)
	}
	p = JudgeStandby(NewAccount("ops@%", "11.8.9-MariaDB", lines[:1], nil), "shop", at)
	if len(p.Findings) != 2 || p.Findings[1].Fix != "GRANT BINLOG REPLAY ON *.* TO 'ops'@'%'" {
		t.Fatalf("%+v", p.Findings)
	}
	all := []string{"GRANT ALL PRIVILEGES ON *.* TO `ops`@`%`"}
	if p = JudgeStandby(NewAccount("ops@%", "11.8.9-MariaDB", all, nil), "shop", at); len(p.Findings) != 0 {
		t.Fatalf("%+v", p.Findings)
	}
}
