package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"opsdeck/internal/testdb"
)

// TestWatchRulesShowsAuditRulesAsWhatTheyAre: kind, condition and what was counted last,
// as text, in Chinese and as JSON.
func TestWatchRulesShowsAuditRulesAsWhatTheyAre(t *testing.T) {
	db := testdb.MariaDB(t)
	schema := db.Schema(t)
	db.Exec(t, schema, "CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL, "+
		"action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100), ip_address VARCHAR(50), "+
		"created_at TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6))",
		"INSERT INTO audit_logs (user_id, action, resource_type, resource_id) VALUES "+
			"(3,'DELETE','ORDER','1'), (3,'DELETE','ORDER','2'), (3,'UPDATE','ORDER','2'), (4,'DELETE','ORDER','3')")
	conf := configFile(t, fmt.Sprintf(`services:
  - name: q
    health: {url: ""}
    database: {options_file: %s, name: %s}
    logs: []
    alerts:
      rules:
        - {name: mass-delete, audit: "action:DELETE", count: 20, window: 5m}
        - {name: night-login, audit: "action:LOGIN", by: ip, hours: "22:00-06:00", severity: warning}
        - {name: slow, query: "took>1000", count: 3}
`, db.OptionsFile(t), schema))
	text, _ := asked(t, conf, 0, "watch", "rules")
	for _, want := range []string{
		`q/mass-delete +- +audit, 20 in 5 m by one user: action:DELETE +nobody +audit rows within 5 m: at most 2`,
		`q/night-login +- +audit, 1 in 1 m by one IP address: action:LOGIN 22:00-06:00 +nobody +audit rows .*: at most 0`,
		`q/slow +- +3 in 1 m: took>1000 +nobody +0 matching lines`,
		`q/mysql +- +check +nobody`,
		`^RULE +STATE +FIRES +TARGETS +VALUE`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	zh := inChinese(t, conf, "watch", "rules")
	if !regexp.MustCompile(`q/mass-delete +- +审计，同一用户 5 分内 20 条：action:DELETE`).MatchString(zh) {
		t.Error(zh)
	}
	out, _ := asked(t, conf, 0, "watch", "rules", "--json")
	var doc struct{ Rules []ruleJSON }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range doc.Rules {
		want := ""
		switch r.Name {
		case "mass-delete":
			want = `audit action:DELETE 20 300000 user "" critical audit rows within 5 m: at most 2`
		case "night-login":
			want = `audit action:LOGIN 1 60000 ip "22:00-06:00" warning audit rows within 1 m: at most 0`
		default:
			continue
		}
		seen++
		got := fmt.Sprintf("%s %s %d %d %s %q %s %s",
			r.Kind, r.Query, r.Count, r.WindowMS, r.By, r.Hours, r.Severity, r.Value)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if seen != 2 {
		t.Errorf("%d audit rules in %s", seen, out)
	}
}
