package drill

import (
	"context"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// contradicting are the errors that a file brings on every server, as in mysqld_error.h: a
// statement that cannot be parsed, names that are missing or there twice, values that do not
// fit their columns, keys, partitions or checks. Every other error says something of the
// server: what it lacks, its settings, its limits, its disk.
var contradicting = []uint16{
	1048, 1050, 1054, 1058, 1060, 1061, 1062, 1064, 1065, 1068, 1072, 1075, 1136, 1146, 1149, 1169, 1216, 1264, 1265,
	1292, 1356, 1364, 1366, 1406, 1411, 1416, 1452, 1526, 1586, 1748, 3037, 3140, 3819, 4025,
}

// unable is an error where the server cannot load the backup for what it is: it lacks
// something, is set up in another way, or is another than the one that was backed up. That
// is no verdict on the backup, whose bytes were compared with its hashes.
func (d *drill) unable(work error) error {
	number := mysql.Number(work)
	if number == 0 {
		return nil
	}
	made := d.madeOn()
	if !d.otherServer() && slices.Contains(contradicting, number) {
		return nil
	}
	return ops.Wrap(work, ops.Failed,
		lang.M("this server (%s) cannot load the backup; this does not mean that the backup is bad: %s",
			named(d.server), said(work))).
		WithHint(d.other(number, named(made)))
}

// leftOut are the objects that the manifest says no restore can create. The first call
// notes them.
func (d *drill) leftOut() []string {
	m := d.src.Manifest
	if m == nil || d.Table != "" {
		return nil
	}
	from := d.from()
	if from == "" {
		from = m.Databases[0]
	}
	out := m.LeavesOut(from)
	if len(out) > 0 {
		d.spared = append(d.spared, out...)
		d.notes = append(d.notes, lang.M("left out, a restore cannot create it: %s", strings.Join(out, ", ")))
	}
	return out
}

// unread is the error for a dump of which opsdeck does not understand or allow a statement:
// that is no verdict on the dump.
func (d *drill) unread(err error) error {
	return ops.Wrap(err, ops.Failed, lang.M("opsdeck cannot load this backup; the backup may still be good")).
		WithHint(lang.M("another client may load it: zcat FILE | mysql; make a new backup: opsdeck backup create"))
}

// madeOn is the server of the backup, as far as it is known.
func (d *drill) madeOn() (made backup.Server) {
	if m := d.src.Manifest; m != nil {
		made = m.Server
	}
	return made
}

// otherServer reports whether the server that the drill loads into is of another kind or
// release than the one that was backed up.
func (d *drill) otherServer() bool {
	made := d.madeOn()
	return made.Version != "" &&
		(made.Flavour != d.server.Flavour || release(made.Version) != release(d.server.Version))
}

// other says what to do where a server cannot load a backup.
func (d *drill) other(number uint16, made string) lang.Msg {
	switch number {
	case errLongKey:
		return lang.M("as an administrator: SET GLOBAL innodb_default_row_format = dynamic; or use another server " +
			"with backup.drill_server")
	case errNeedsKey:
		return lang.M("as an administrator: SET GLOBAL innodb_force_primary_key = OFF; or use another server with " +
			"backup.drill_server")
	}
	return lang.M("use a server like the one that was backed up (%s): backup.drill_server", made)
}

// Errors that a setting of the server brings: a key is longer than old formats of rows allow,
// and a table has no primary key.
const (
	errLongKey  = 1709
	errNeedsKey = 1173
)

// describe is the server that the drill loaded into.
func (d *drill) describe(ctx context.Context) backup.Server {
	s := backup.Server{Flavour: "mysql"}
	version, err := schema.One(ctx, d.db, "SELECT VERSION()")
	if err != nil {
		return s
	}
	s.Version = version
	if strings.Contains(version, "MariaDB") {
		s.Flavour = "mariadb"
	}
	return s
}

func named(s backup.Server) string {
	if s.Version == "" {
		return "?"
	}
	return s.Flavour + " " + release(s.Version)
}

// release is the first two numbers of a version.
func release(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
