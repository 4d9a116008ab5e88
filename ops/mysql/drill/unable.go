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

// lacking are errors of a server that lacks what a definition needs, as in mysqld_error.h:
// a charset, a collation, an engine, a function, a plugin, a data type.
var lacking = []uint16{1115, 1273, 1286, 1128, 1305, 1524, 1911, 4161}

// unable is an error where the server cannot load the backup for what it is: it lacks
// something, or is another than the one that was backed up. That is no verdict on the
// backup, whose bytes were compared with its hashes.
func (d *drill) unable(work error) error {
	number := mysql.Number(work)
	if number == 0 {
		return nil
	}
	made := backup.Server{}
	if m := d.src.Manifest; m != nil {
		made = m.Server
	}
	other := made.Flavour != d.server.Flavour || release(made.Version) != release(d.server.Version)
	if (!other || made.Version == "") && !slices.Contains(lacking, number) {
		return nil
	}
	return ops.Wrap(work, ops.Failed, lang.M("this server (%s) cannot load the backup; this says nothing about the backup: %s",
		named(d.server), plain(work))).
		WithHint(lang.M("use a server like the one that was backed up (%s): backup.drill_server", named(made)))
}

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
