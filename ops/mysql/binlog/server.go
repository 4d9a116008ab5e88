package binlog

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Server is a server's identity and its list of binlog files.
type Server struct {
	ID      string // its UUID, or "id-N" where it has none (MariaDB)
	Host    string // which server it is, as a backup's manifest names it; "" if it does not say
	Flavour string // "mysql" or "mariadb"
	Version string
	Logging bool
	Now     Log // the current file and position
	Logs    []Log
	LeftOut binlog.LeftOut
}

// Log is one binlog file of a server and its length.
type Log struct {
	File string
	Pos  uint64
}

// Ask queries a server for its binlog files. Without the privilege to list them, Logs is
// nil and the error says so.
func Ask(ctx context.Context, t mysql.Target) (*Server, error) {
	db, err := mysql.Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s, err := askOn(ctx, db)
	if err != nil {
		return nil, mysql.Explain(err, t)
	}
	return s, nil
}

// askOn is Ask on an open pool.
func askOn(ctx context.Context, db *sql.DB) (*Server, error) {
	rows, err := schema.All(ctx, db, "SELECT VERSION(), @@GLOBAL.log_bin, @@GLOBAL.server_id")
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	s := &Server{Flavour: "mysql", Version: rows[0][0], Logging: rows[0][1] == "1", ID: "id-" + rows[0][2]}
	if strings.Contains(strings.ToLower(s.Version), "mariadb") {
		s.Flavour = "mariadb"
	} else if s.ID, err = schema.One(ctx, db, "SELECT @@GLOBAL.server_uuid"); err != nil {
		return nil, err
	}
	s.Host, _ = schema.Identity(ctx, db) // a server that does not say it has none
	if !s.Logging {
		return s, nil
	}
	if err := s.status(ctx, db); err != nil {
		return nil, err
	}
	if s.LeftOut, err = mysql.LeftOut(ctx, db); err != nil {
		return nil, err
	}
	return s, s.logs(ctx, db)
}

// status reads the current binlog position. The statement was renamed in 8.4.
func (s *Server) status(ctx context.Context, db *sql.DB) error {
	if err := mysql.RefuseBlocked(ctx, db, mysql.Target{}); err != nil {
		return err // it does not answer what follows either
	}
	rows, err := schema.All(ctx, db, "SHOW MASTER STATUS")
	if err != nil {
		var now error
		if rows, now = schema.All(ctx, db, "SHOW BINARY LOG STATUS"); now != nil {
			if mysql.Number(err) == 1064 { // only the new name is known
				err = now
			}
			return err
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("the server does not report its binlog position")
	}
	s.Now = Log{File: rows[0][0]}
	s.Now.Pos, err = strconv.ParseUint(rows[0][1], 10, 64)
	return err
}

func (s *Server) logs(ctx context.Context, db *sql.DB) error {
	rows, err := schema.All(ctx, db, "SHOW BINARY LOGS")
	if err != nil {
		return err
	}
	for _, r := range rows {
		size, err := strconv.ParseUint(r[1], 10, 64)
		if err != nil {
			return fmt.Errorf("the size of %s: %w", r[0], err)
		}
		s.Logs = append(s.Logs, Log{File: r[0], Pos: size})
	}
	return nil
}

// Has finds a binlog file of the server by name.
func (s *Server) Has(file string) (Log, bool) {
	for _, l := range s.Logs {
		if l.File == file {
			return l, true
		}
	}
	return Log{}, false
}

// Flush closes the current binlog file and opens the next one.
func Flush(ctx context.Context, t mysql.Target) error {
	db, err := mysql.Open(ctx, t, "")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "FLUSH BINARY LOGS"); err != nil {
		return mysql.Explain(err, t)
	}
	return nil
}
