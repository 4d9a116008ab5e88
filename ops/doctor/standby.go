package doctor

import "opsdeck/internal/lang"

// JudgeStandby says which rights a user misses who keeps a standby and applies the binary
// log to it.
func JudgeStandby(a Account, service string, at Places) Point {
	return Point{
		Name:     "standby-rights",
		Service:  service,
		Seen:     lang.M("%s has the privileges for a standby", a.User),
		Findings: a.Lacks(Standby, at),
	}
}

// JudgeDrill says which rights a user misses for restore drills on the service's own server.
func JudgeDrill(s Server, service string, at Places) Point {
	return Point{
		Name:     "drill-rights",
		Service:  service,
		Seen:     lang.M("%s has the privileges for restore drills", s.User),
		Findings: s.account().Lacks(Drill, at),
	}
}
