package deploy

import (
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Server are the facts about a database server that a service needs.
type Server struct {
	Login     string            // "app@127.0.0.1:3306"
	Vars      map[string]string // global variables by name; one that the server lacks is absent
	Connected int64             // the most connections there were at once; 0 is unknown
	Database  string            // its name
	Charset   string            // of the database
	Other     []string          // tables of another character set than utf8mb4
	Columns   []string          // of the audit table; none: it is absent
	Indexes   [][]string        // of the audit table: the columns of each
	Audit     string            // its name
}

// JudgeServer makes the findings about the database.
func JudgeServer(f Fact[Server]) []Finding {
	why := lang.M("the service is ready only while its database responds")
	if !f.Seen && f.Why.Empty() {
		return []Finding{unknown("mysql", f.Why, why)}
	}
	if !f.Seen {
		return []Finding{
			{Name: "mysql", State: ops.StateCritical, Detail: f.Why, Why: why, Fix: "opsdeck status --only mysql"},
		}
	}
	s := f.Value
	out := []Finding{
		ok("mysql", lang.M("%s responds", s.Login)),
		judgeLog(s),
		judgeSync(s),
		judgeCharset(s),
		judgeSlow(s),
		judgePacket(s),
		judgeConnections(s),
	}
	return append(out, judgeIndexes(s)...)
}

// number is the number of a variable.
func (s Server) number(name string) (int64, bool) {
	n, err := strconv.ParseFloat(s.Vars[name], 64)
	return int64(n), err == nil
}

func (s Server) on(name string) bool {
	return strings.EqualFold(s.Vars[name], "ON") || s.Vars[name] == "1"
}

func judgeLog(s Server) Finding {
	why := lang.M("without it, what was written after a backup cannot be restored")
	switch {
	case s.Vars["log_bin"] == "":
		return unknown("mysql-binlog", lang.M("the server does not show %s", "log_bin"), why)
	case !s.on("log_bin"):
		return Finding{Name: "mysql-binlog", State: ops.StateWarning, Detail: lang.M("the binlog is off"), Why: why,
			Fix: "[mysqld] log_bin = binlog"}
	case s.Vars["binlog_format"] != "" && !strings.EqualFold(s.Vars["binlog_format"], "ROW"):
		return Finding{Name: "mysql-binlog", State: ops.StateWarning,
			Detail: lang.M("the binlog holds statements, not rows: binlog_format is %s", s.Vars["binlog_format"]),
			Why:    lang.M("a single transaction can be undone only if its rows are in the log"),
			Fix:    ops.SetGlobal("binlog_format = ROW")}
	}
	return ok("mysql-binlog", lang.M("the binlog is on"))
}

func judgeSync(s Server) Finding {
	why := lang.M("a power failure loses transactions that were confirmed to the service")
	for _, name := range []string{"sync_binlog", "innodb_flush_log_at_trx_commit"} {
		n, is := s.number(name)
		switch {
		case !is:
			return unknown("mysql-sync", lang.M("the server does not show %s", name), why)
		case name == "sync_binlog" && !s.on("log_bin"):
			continue
		case n != 1:
			return Finding{Name: "mysql-sync", State: ops.StateWarning, Detail: lang.M("%s is %d", name, n), Why: why,
				Fix: ops.SetGlobal(name + " = 1")}
		}
	}
	return ok("mysql-sync", lang.M("each commit is on the disk before it is confirmed"))
}

func judgeCharset(s Server) Finding {
	why := lang.M("other character sets cannot hold every Chinese character or emoji")
	switch {
	case s.Charset == "":
		return unknown("mysql-charset", lang.M("the database does not exist, or this user cannot see it"), why)
	case s.Charset != "utf8mb4":
		return Finding{
			Name:  "mysql-charset",
			State: ops.StateWarning,
			Detail: lang.M("the database's character set is %s",
				s.Charset),
			Why: why,
			Fix: "ALTER DATABASE `" + strings.ReplaceAll(s.Database, "`", "``") + "` CHARACTER SET utf8mb4",
		}
	case len(s.Other) > 0:
		return Finding{Name: "mysql-charset", State: ops.StateWarning, Detail: lang.M("tables that are not utf8mb4: %s",
			list(s.Other)), Why: why, Fix: "ALTER TABLE `" + s.Other[0] + "` CONVERT TO CHARACTER SET utf8mb4"}
	}
	return ok("mysql-charset", lang.Raw("utf8mb4"))
}

// slowest is the long_query_time in seconds above which the slow log misses what
// users wait for: the field's own is 2.
const slowest = 2

func judgeSlow(s Server) Finding {
	why := lang.M("slow queries are found only in this log")
	n, is := s.number("long_query_time")
	switch {
	case s.Vars["slow_query_log"] == "":
		return unknown("mysql-slow-log", lang.M("the server does not show %s", "slow_query_log"), why)
	case !s.on("slow_query_log"):
		return Finding{
			Name:   "mysql-slow-log",
			State:  ops.StateWarning,
			Detail: lang.M("the slow query log is off"),
			Why:    why,
			Fix:    ops.SetGlobal("slow_query_log = ON", "long_query_time = 2"),
		}
	case is && n > slowest:
		return Finding{Name: "mysql-slow-log", State: ops.StateWarning,
			Detail: lang.M(
				"only queries over %s seconds are in the slow query log",
				s.Vars["long_query_time"],
			), Why: why,
			Fix: ops.SetGlobal("long_query_time = 2")}
	}
	return ok("mysql-slow-log", lang.M("on"))
}

// leastPacket is what rows of the field need.
const leastPacket = 16 << 20

func judgePacket(s Server) Finding {
	why := lang.M("a longer row cannot be saved, nor restored")
	n, is := s.number("max_allowed_packet")
	switch {
	case !is:
		return unknown("mysql-packet", lang.M("the server does not show %s", "max_allowed_packet"), why)
	case n < leastPacket:
		return Finding{Name: "mysql-packet", State: ops.StateWarning, Detail: lang.M("max_allowed_packet is %s",
			human.Bytes(n)), Why: why, Fix: ops.SetGlobal("max_allowed_packet = 67108864")}
	}
	return ok("mysql-packet", lang.Raw(human.Bytes(n)))
}

func judgeConnections(s Server) Finding {
	why := lang.M("the service is refused when no connection is left")
	n, is := s.number("max_connections")
	detail := lang.M("%d allowed, at most %d were used", n, s.Connected)
	switch {
	case !is || s.Connected == 0:
		return unknown("mysql-connections", lang.M("the server does not show %s", "Max_used_connections"), why)
	case s.Connected*10 >= n*8:
		return Finding{Name: "mysql-connections", State: ops.StateWarning, Detail: detail, Why: why,
			Fix: ops.SetGlobal("max_connections = " + strconv.FormatInt(max(500, 2*n), 10))}
	}
	return ok("mysql-connections", detail)
}

// auditIndexes are what the questions to the audit table need: the newest rows, the
// history of one resource, the rows of one user.
var auditIndexes = [][]string{{"created_at"}, {"resource_type", "resource_id"}, {"user_id", "created_at"}}

func judgeIndexes(s Server) []Finding {
	why := lang.M("without it, the query reads the whole table")
	if len(s.Columns) == 0 {
		return []Finding{
			unknown("mysql-indexes", lang.M("the table %s does not exist, or this user cannot see it", s.Audit),
				why),
		}
	}
	var out []Finding
	for _, want := range auditIndexes {
		if slices.ContainsFunc(want, func(c string) bool { return !slices.Contains(s.Columns, c) }) {
			continue // the table has another shape
		}
		has := slices.ContainsFunc(s.Indexes, func(have []string) bool {
			return len(have) >= len(want) && slices.Equal(have[:len(want)], want)
		})
		if !has {
			out = append(out, Finding{Name: "mysql-indexes", State: ops.StateWarning,
				Detail: lang.M("%s has no index on (%s)", s.Audit, strings.Join(want, ", ")), Why: why,
				Fix: "CREATE INDEX idx_" + strings.Join(want, "_") + " ON `" + s.Audit + "` (`" +
					strings.Join(want, "`, `") + "`)"})
		}
	}
	if len(out) == 0 {
		out = []Finding{ok("mysql-indexes", lang.M("%s has the indexes that its queries need", s.Audit))}
	}
	return out
}
