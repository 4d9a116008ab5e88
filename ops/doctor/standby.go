package doctor

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// JudgeStandby says which rights a user misses who applies the binary log to a standby.
// beside is the name of its database.
func JudgeStandby(b Binlog, service, beside string) Point {
	r := ParseGrants(b.Grants)
	p := Point{Name: "standby-rights", Service: service, Seen: lang.M("%s has the privileges for a standby", b.User)}
	var missing []string
	for _, name := range drillNeeds {
		if !r.Has(name, beside) {
			missing = append(missing, name)
		}
	}
	if list := strings.Join(missing, ", "); list != "" {
		live, _, _ := strings.Cut(beside, "__standby_")
		p.Findings = append(p.Findings, Finding{State: ops.StateWarning,
			What: lang.M("for a standby this user lacks: %s", list),
			Fix:  "GRANT " + list + " ON `" + strings.ReplaceAll(live, "_", `\_`) + `\_\_%` + "`.* TO " + account(b.User)})
	}
	apply := []string{"BINLOG_ADMIN", "SYSTEM_VARIABLES_ADMIN"}
	if b.Maria {
		apply = []string{"BINLOG REPLAY"}
	}
	for _, name := range apply {
		if !r.Has(name, "") && !r.Has("SUPER", "") {
			p.Findings = append(p.Findings, Finding{State: ops.StateWarning,
				What: lang.M("the privilege %s is missing: the binlog cannot be applied to the standby", name),
				Fix:  "GRANT " + name + " ON *.* TO " + account(b.User)})
		}
	}
	return p
}
