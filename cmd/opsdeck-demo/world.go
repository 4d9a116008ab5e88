package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"

	"opsdeck/internal/atomicfile"
)

// world is everything that lives below one folder. mu guards what changes after
// the start: faults, the back end, the database server.
type world struct {
	dir, self string
	options   options
	now       time.Time // the moment that the history ends
	web       int       // the back end's port

	mu       sync.Mutex
	planted  map[string]bool
	sql      sqlServer
	db       *sql.DB
	redis    *miniredis.Miniredis
	backend  *child
	control  *http.Server
	outLog   *os.File
	errorLog *os.File
	held     *os.File
	stages   []stage
}

// marker is a file that only a world's folder has. It is locked while the world
// is up.
const marker = ".opsdeck-demo"

// newWorld takes a folder: one that is absent or empty, or an earlier world's,
// whose contents are removed.
func newWorld(o options) (*world, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	if len(controlSocket(dir)) > 100 {
		return nil, fmt.Errorf("the path %s is too long for a socket below it", dir)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s holds something else than a demo world", dir)
	}
	held, err := holdFolder(filepath.Join(dir, marker))
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, self: self, options: o, now: time.Now(), planted: map[string]bool{}, held: held}
	for _, e := range entries {
		if e.Name() != marker {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	for _, sub := range []string{"run", "logs", "backups", "state"} {
		if err := os.MkdirAll(w.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *world) path(names ...string) string {
	return filepath.Join(append([]string{w.dir}, names...)...)
}

// start brings everything up; afterwards the back end answers.
func (w *world) start(ctx context.Context) error {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	if err := w.startServers(ctx); err != nil {
		return err
	}
	data := newDataset(w.now)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.fill(gctx, data) })
	group.Go(func() error { return writeLogHistory(w.path("logs"), w.now) })
	group.Go(func() error { return w.writeOldBackups(gctx, data) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := w.writeDrills(); err != nil {
		return err
	}
	if err := w.writeOwnBackups(ctx); err != nil {
		return err
	}
	var err error
	if w.outLog, w.errorLog, err = openLogs(w.path("logs")); err != nil {
		return err
	}
	if err := w.writeFiles(); err != nil {
		return err
	}
	if err := w.serveControl(); err != nil {
		return err
	}
	w.mu.Lock()
	err = w.startBackend(ctx)
	w.mu.Unlock()
	if err == nil {
		err = w.awaitBackend(ctx)
	}
	if err == nil && w.options.fault != "" {
		err = w.setFault(ctx, w.options.fault, true)
	}
	return err
}

// startServers starts the database server and Redis.
func (w *world) startServers(ctx context.Context) error {
	password := rand.Text()
	var err error
	if w.options.real {
		w.sql, err = newReal(ctx, w.path("mysql"), password)
	} else {
		w.sql, err = newEmbedded(password)
	}
	if err == nil {
		err = w.sql.start(ctx)
	}
	if err != nil {
		return fmt.Errorf("database server: %w", err)
	}
	if w.redis, err = startRedis(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	w.web, err = freePort()
	return err
}

// dsn is the address of the database for the Go driver. The session's zone is
// the local one, as the back end's is.
func (w *world) dsn() string {
	a := w.sql.account()
	return fmt.Sprintf(
		"%s:%s@tcp(%s:%d)/%s?interpolateParams=true&parseTime=true&loc=Local&timeout=2s&readTimeout=2m",
		a.user,
		a.password,
		a.host,
		a.port,
		database,
	)
}

// fill makes the schema and the year's rows.
func (w *world) fill(ctx context.Context, data *dataset) error {
	var err error
	if w.db, err = sql.Open("mysql", w.dsn()); err != nil {
		return err
	}
	w.db.SetMaxOpenConns(2)
	if err := w.exec(ctx, schema); err != nil {
		return err
	}
	return w.fillInStages(ctx, data)
}

func (w *world) exec(ctx context.Context, statements []string) error {
	for _, statement := range statements {
		if _, err := w.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60s…: %w", statement, err)
		}
	}
	return nil
}

// writeFiles writes what the programs of the world read: the account, the back
// end's settings, opsdeck's configuration.
func (w *world) writeFiles() error {
	a := w.sql.account()
	conf, err := json.Marshal(
		backendConfig{Listen: fmt.Sprintf("127.0.0.1:%d", w.web), DSN: w.dsn(), Redis: w.redis.Addr()},
	)
	if err != nil {
		return err
	}
	account := fmt.Sprintf("[client]\nuser=%s\npassword=%s\nhost=%s\nport=%d\n", a.user, a.password, a.host, a.port)
	return errors.Join(
		atomicfile.WriteBytes(w.path("my.cnf"), 0o600, []byte(account)),
		atomicfile.WriteBytes(w.path("run", "backend.json"), 0o600, conf),
		atomicfile.WriteBytes(w.path("config.yaml"), 0o600, []byte(w.config())),
		w.writeFaults(),
	)
}

// config is opsdeck's configuration for this world. JSON strings are YAML's too.
func (w *world) config() string {
	q := func(s string) string { text, _ := json.Marshal(s); return string(text) }
	service := func(verb string) string {
		return q(shellQuote(w.self) + " service " + verb + " --dir " + shellQuote(w.dir))
	}
	diskFree, mode := "0.02", "in-place"
	if w.options.fault == "disk-full" {
		diskFree = "0.999"
	}
	if w.options.real {
		mode = "swap"
	}
	return fmt.Sprintf(`# opsdeck on its demo world. Everything is below this folder.
services:
  - name: qianzhang
    health: {url: "http://127.0.0.1:%d", interval: 2s, disk_free: %s}
    database: {name: %s, options_file: %s, container: ""}
    redis: {address: %s}
    process:
      kind: command
      name: qianzhang-backend
      start: %s
      stop: %s
      status: %s
    logs: [%s]
    audit: {table: audit_logs}
    backup: {dir: %s, keep: {daily: 7, weekly: 4, monthly: 12}}
    restore: {key_tables: [customers, orders, ar_invoices], mode: %s, ready_wait: 2m}
    notify: []
state_dir: %s
`, w.web, diskFree, database, q(w.path("my.cnf")), q(w.redis.Addr()), service("start"), service("stop"),
		service("status"),
		q(w.path("logs", "qianzhang-backend-*.log*")), q(w.path("backups")), mode, q(w.path("state")))
}

// awaitBackend waits until the back end says that it is ready.
func (w *world) awaitBackend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	url := fmt.Sprintf("http://%s/health/ready", net.JoinHostPort("127.0.0.1", fmt.Sprint(w.web)))
	for pause(ctx, 15*time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		if !w.backend.running() {
			return errors.New("the back end ended; see " + w.path("logs"))
		}
	}
	return fmt.Errorf("the back end does not become ready: %w", context.Cause(ctx))
}

// close ends everything, in the order in which nothing complains.
func (w *world) close() {
	if w.control != nil {
		w.control.Close()
	}
	w.endWorkers()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.backend != nil {
		w.backend.stop(2 * time.Second)
	}
	if w.db != nil {
		w.db.Close()
	}
	if w.sql != nil {
		w.sql.stop()
	}
	if w.redis != nil {
		w.redis.Close()
	}
	for _, f := range []*os.File{w.outLog, w.errorLog, w.held} {
		if f != nil {
			f.Close()
		}
	}
	os.Remove(controlSocket(w.dir))
}
