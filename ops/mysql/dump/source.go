package dump

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// sources is what the server, as a replica, had applied of its sources at the time of the
// snapshot; nil if it is no replica. c is a connection of the snapshot: a replica's own
// tables are consistent with the rows. Other status values are used only if locked tells
// that the replica cannot apply more.
func sources(ctx context.Context, c, control *sql.Conn, maria, locked bool) ([]backup.Source, string) {
	read := mysqlSources
	if maria {
		read = mariaSources
	}
	found, known := read(ctx, c, control, locked)
	switch {
	case !known && readOnly(ctx, control):
		return found, "whether this server is a replica cannot be seen: if it is, its source's position is not in " +
			"the manifest (GRANT " + monitor(
			maria,
		) + ")"
	case slices.ContainsFunc(found, func(s backup.Source) bool { return s.File == "" && s.GTID == "" }):
		return found, "this server is a replica, and what it had applied of its source at the backup's moment is " +
			"not known: the backup cannot be rolled forward"
	}
	return found, ""
}

// readOnly reports whether the server refuses writes, as replicas do.
func readOnly(ctx context.Context, q *sql.Conn) bool {
	on, err := one(ctx, q, "SELECT @@GLOBAL.read_only")
	return err != nil || on != "0" && on != "OFF"
}

// ownLog reports whether the server logs what it applies as a replica: if not, a position
// in its log cannot be a start for rolling forward.
func ownLog(ctx context.Context, q *sql.Conn) bool {
	for _, name := range []string{"log_replica_updates", "log_slave_updates"} {
		if on, err := one(ctx, q, "SELECT @@GLOBAL."+name); err == nil {
			return on == "1"
		}
	}
	return false
}

// monitor is the privilege to see what a replica has applied.
func monitor(maria bool) string {
	if maria {
		return "REPLICA MONITOR"
	}
	return "REPLICATION CLIENT"
}

// mysqlSources reads the applier's tables, which it updates in the transactions that it
// applies. With several workers, each has its own position; the newest one is the
// replica's position, as long as they commit in the source's order.
// https://dev.mysql.com/doc/refman/8.4/en/replica-logs-status.html
func mysqlSources(ctx context.Context, c, control *sql.Conn, locked bool) (found []backup.Source, known bool) {
	gtid := ""
	if locked {
		gtid, _ = one(ctx, control, "SELECT IF(@@GLOBAL.gtid_mode LIKE 'ON%', @@GLOBAL.gtid_executed, '')")
	}
	all, known := channels(ctx, control, "SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
	for _, r := range all {
		found = append(found, backup.Source{Channel: r["channel_name"], Host: r.First("source_host", "master_host"),
			Port: port(r.First("source_port", "master_port")), GTID: oneSet(gtid),
			Server: r.First("source_uuid", "master_uuid")})
	}
	if !known {
		rows, err := schema.All(
			ctx,
			control,
			"SELECT CHANNEL_NAME, HOST, PORT FROM performance_schema.replication_connection_configuration WHERE "+
				"CHANNEL_NAME NOT LIKE 'group\\_replication\\_%'",
		)
		for _, r := range rows {
			found = append(found, backup.Source{Channel: r[0], Host: r[1], Port: port(r[2]), GTID: oneSet(gtid)})
		}
		known = err == nil
	}
	if len(found) == 0 || !inOrder(ctx, control) {
		return found, known
	}
	for i := range found {
		found[i].File, found[i].Pos = applied(ctx, c, found[i].Channel)
	}
	return found, known
}

// inOrder reports whether the workers commit in the source's order, so that nothing before
// the last applied transaction is missing.
func inOrder(ctx context.Context, q *sql.Conn) bool {
	for _, name := range []string{"replica", "slave"} {
		ordered, err := one(
			ctx,
			q,
			fmt.Sprintf("SELECT @@GLOBAL.%s_preserve_commit_order OR @@GLOBAL.%s_parallel_workers <= 1", name, name),
		)
		if err == nil {
			return ordered == "1"
		}
	}
	return false
}

// applied is the end position of a channel's last transaction in the snapshot.
func applied(ctx context.Context, c *sql.Conn, channel string) (file string, pos uint64) {
	rows, err := schema.All(
		ctx,
		c,
		`SELECT Master_log_name, Master_log_pos FROM mysql.slave_relay_log_info WHERE Channel_name = ?
		UNION ALL SELECT Master_log_name, Master_log_pos FROM mysql.slave_worker_info WHERE Channel_name = ?`,
		channel,
		channel,
	)
	if err != nil {
		return "", 0
	}
	if only, err := one(ctx, c, "SELECT Gtid_only FROM mysql.slave_master_info WHERE Channel_name = ?",
		channel); err == nil &&
		only == "1" {
		return "", 0 // the tables are not maintained then
	}
	for _, r := range rows {
		at, _ := strconv.ParseUint(r[1], 10, 64)
		if later(r[0], at, file, pos) {
			file, pos = r[0], at
		}
	}
	return file, pos
}

// later compares binlog positions, whose files are numbered.
func later(file string, pos uint64, than string, thanPos uint64) bool {
	switch {
	case file == than:
		return pos > thanPos
	case len(file) != len(than):
		return len(file) > len(than)
	}
	return file > than
}

// mariaSources reads mysql.gtid_slave_pos, which the applier updates in the transactions
// that it applies, and which all sources share.
// https://mariadb.com/kb/en/mysqlgtid_slave_pos-table/
func mariaSources(ctx context.Context, c, control *sql.Conn, locked bool) (found []backup.Source, known bool) {
	gtid, ok := gtidApplied(ctx, c)
	if !ok && locked {
		gtid, _ = one(ctx, control, "SELECT @@GLOBAL.gtid_slave_pos")
	}
	all, known := settled(ctx, control, locked)
	for _, r := range all {
		s := backup.Source{
			Channel: r["connection_name"],
			Host:    r["master_host"],
			Port:    port(r["master_port"]),
			GTID:    gtid,
		}
		if id := r["master_server_id"]; id != "" && id != "0" {
			s.Server = "id-" + id
		}
		if locked {
			s.File = r["relay_master_log_file"]
			s.Pos, _ = strconv.ParseUint(r["exec_master_log_pos"], 10, 64)
		}
		found = append(found, s)
	}
	if !known { // without the privilege to ask, a position means that there is or was a source
		now, err := one(ctx, control, "SELECT @@GLOBAL.gtid_slave_pos")
		if known = err == nil; now != "" {
			found = append(found, backup.Source{GTID: gtid})
		}
	}
	return found, known
}

// gtidApplied is the position in the snapshot's own rows, with one GTID per domain.
func gtidApplied(ctx context.Context, c *sql.Conn) (gtid string, ok bool) {
	tables, err := schema.All(ctx, c, `SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME LIKE 'gtid\_slave\_pos%'`)
	if err != nil || len(tables) == 0 {
		return "", false
	}
	var from []string
	for _, t := range tables {
		if !(&schema.Table{Engine: t[1]}).Transactional() {
			return "", false
		}
		from = append(from, "SELECT domain_id, server_id, seq_no, sub_id FROM "+schema.Name("mysql", t[0]))
	}
	rows, err := schema.All(ctx, c, strings.Join(from, " UNION ALL ")+" ORDER BY domain_id, sub_id")
	if err != nil {
		return "", false
	}
	last := map[string]string{}
	var domains []string
	for _, r := range rows {
		if last[r[0]] == "" {
			domains = append(domains, r[0])
		}
		last[r[0]] = r[0] + "-" + r[1] + "-" + r[2]
	}
	for i, d := range domains {
		domains[i] = last[d]
	}
	return strings.Join(domains, ","), true
}

// settled reads the position of MariaDB's appliers. They count a transaction after they
// have committed it: under a lock the count is right once it stays the same.
func settled(ctx context.Context, control *sql.Conn, locked bool) (was []schema.Fields, ok bool) {
	was, ok = channels(ctx, control, "SHOW ALL SLAVES STATUS")
	for range 20 {
		if !locked || len(was) == 0 || wait(ctx, settle) != nil {
			break
		}
		is, _ := channels(ctx, control, "SHOW ALL SLAVES STATUS")
		if slices.EqualFunc(
			was,
			is,
			func(a, b schema.Fields) bool { return a["exec_master_log_pos"] == b["exec_master_log_pos"] },
		) {
			break
		}
		was = is
	}
	return was, ok
}

const settle = 20 * time.Millisecond

// channels returns the rows of the first statement that the server accepts; false if it
// accepts none. Group replication's own channels have no source.
func channels(ctx context.Context, q *sql.Conn, statements ...string) ([]schema.Fields, bool) {
	for _, s := range statements {
		rows, err := q.QueryContext(ctx, s)
		if err != nil {
			continue
		}
		all, err := schema.ByName(rows)
		if err != nil {
			return nil, false
		}
		return slices.DeleteFunc(
			all,
			func(f schema.Fields) bool { return strings.HasPrefix(f["channel_name"], "group_replication_") },
		), true
	}
	return nil, false
}

func port(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// oneSet removes the line breaks from a set of GTIDs.
func oneSet(gtid string) string { return strings.ReplaceAll(gtid, "\n", "") }
