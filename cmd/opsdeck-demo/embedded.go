package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/sirupsen/logrus"
)

// sqlServer is the world's database server, embedded or real. It can go down and
// come back with its data.
type sqlServer interface {
	start(ctx context.Context) error
	stop()
	account() account
	setFull(full bool) // no space is left for rows; a real server ignores it
}

// account is how the world's programs reach the database server.
type account struct {
	host           string
	port           int
	user, password string
}

// embedded is the MySQL-compatible server within this process.
type embedded struct {
	at       account
	engine   *sqle.Engine
	provider *memory.DbProvider
	server   *server.Server
	ended    chan struct{}
	full     atomic.Bool
}

func newEmbedded(password string) (*embedded, error) {
	logrus.SetOutput(io.Discard) // the server's own chatter; what matters comes back as errors
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	db := memory.NewDatabase(database)
	db.BaseDatabase.EnablePrimaryKeyIndexes()
	e := &embedded{at: account{"127.0.0.1", port, "qianzhang", password}, provider: memory.NewDBProvider(db)}
	e.provider.WithOption(memory.NativeIndexProvider(true)) // databases made later show their primary keys, too
	e.engine = sqle.NewDefault(e.provider)
	// Variables of MySQL that the library lacks, and that doctor and deploy check ask for.
	for _, name := range []string{"sync_binlog", "innodb_flush_log_at_trx_commit"} {
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
			Name:    name,
			Scope:   sql.GetMysqlScope(sql.SystemVariableScope_Global),
			Type:    types.NewSystemUintType(name, 0, 4294967295),
			Default: uint64(1),
		}})
	}
	sql.SystemVariables.AssignValues(map[string]any{
		"version":         "8.0.36-embedded",
		"slow_query_log":  int8(1),
		"long_query_time": float64(2),
	})
	users := e.engine.Analyzer.Catalog.MySQLDb
	users.SetEnabled(true)
	editor := users.Editor()
	defer editor.Close()
	users.AddSuperUser(editor, e.at.user, "%", password)
	return e, nil
}

func (e *embedded) account() account { return e.at }

func (e *embedded) setFull(full bool) { e.full.Store(full) }

func (e *embedded) dialect(h mysql.Handler) (mysql.Handler, error) {
	return &dialect{Handler: h, full: &e.full}, nil
}

func (e *embedded) start(context.Context) error {
	if e.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", e.at.host, e.at.port))
	if err != nil {
		return err
	}
	config := server.Config{
		Protocol:         "tcp",
		Listener:         listener,
		Version:          "8.0.36-embedded",
		MaxConnections:   200,
		ConnReadTimeout:  time.Hour,
		ConnWriteTimeout: time.Minute,
	}
	e.server, err = server.NewServerWithHandler(
		config,
		e.engine,
		sql.NewContext,
		memory.NewSessionBuilder(e.provider),
		nil,
		e.dialect,
	)
	if err != nil {
		listener.Close()
		return err
	}
	e.ended = make(chan struct{})
	go tellUptime(e.ended, time.Now())
	go func(s *server.Server, ended chan struct{}) {
		defer close(ended)
		if err := s.Start(); err != nil && !errors.Is(err, net.ErrClosed) {
			logrus.Error(err)
		}
	}(e.server, e.ended)
	return nil
}

// tellUptime keeps the status variable, which the server itself does not.
func tellUptime(ended <-chan struct{}, began time.Time) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			sql.StatusVariables.SetGlobal("Uptime", uint64(time.Since(began).Seconds()))
		}
	}
}

// stop closes the port and every connection; the data stays in memory.
func (e *embedded) stop() {
	if e.server == nil {
		return
	}
	e.server.Close()
	var open []uint32
	sessions := e.server.SessionManager()
	sessions.Iter(func(s sql.Session) (bool, error) {
		open = append(open, s.ID())
		return false, nil
	})
	for _, id := range open {
		sessions.KillConnection(id)
	}
	<-e.ended
	e.server = nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
