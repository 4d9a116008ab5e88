package doctor

import (
	"slices"
	"strings"
)

// Needed is what a verb needs, for the manual: rights as GRANT takes them, by place.
type Needed struct {
	Verb   Verb
	Rights string
}

// Manual is the table of rights for the manual. DB is the service's database.
func Manual() (all []Needed) {
	for _, n := range table {
		var names []string
		for _, r := range n.rights {
			names = append(names, r.named())
		}
		text := strings.Join(names, ", ") + " ON " + n.placed()
		i := slices.IndexFunc(all, func(other Needed) bool { return other.Verb == n.verb })
		if i < 0 {
			all = append(all, Needed{Verb: n.verb, Rights: text})
			continue
		}
		if before, found := strings.CutSuffix(all[i].Rights, " ON "+n.placed()); found {
			all[i].Rights = before + ", " + text
			continue
		}
		all[i].Rights += "; " + text
	}
	return all
}

// named is the right's name on both servers.
func (r right) named() string {
	switch {
	case r.maria == r.mysql:
		return r.mysql
	case r.maria == "":
		return r.mysql + " (MySQL)"
	case r.mysql == "":
		return r.maria + " (MariaDB)"
	}
	return r.mysql + " (MariaDB: " + r.maria + ")"
}

func (n needs) placed() string {
	if n.on == onServer {
		return "*.*"
	}
	_, pattern := n.where(Places{Live: "DB", Drill: DrillScratch})
	return "`" + pattern + "`.*"
}
