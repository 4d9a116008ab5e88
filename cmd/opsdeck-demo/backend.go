package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"opsdeck/ops/health/healthhttp"
)

// backendConfig is what the back end knows of its world (run/backend.json, 0600).
type backendConfig struct {
	Listen string `json:"listen"`
	DSN    string `json:"dsn"`
	Redis  string `json:"redis"`
}

// backend stands for the Nest application: health endpoints, and traffic that
// makes orders, audit rows and log lines.
type backend struct {
	dir     string
	db      *sql.DB
	redis   *redis.Client
	journal *journal
	started time.Time
}

// runBackend is the body of the back end's process. Its stdout and stderr are
// the log files.
func runBackend(ctx context.Context, dir string) error {
	var conf backendConfig
	text, err := os.ReadFile(filepath.Join(dir, "run", "backend.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &conf); err != nil {
		return err
	}
	mysql.SetLogger(log.New(io.Discard, "", 0))
	db, err := sql.Open("mysql", conf.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(5 * time.Second)
	b := &backend{
		dir:     dir,
		db:      db,
		redis:   redis.NewClient(&redis.Options{Addr: conf.Redis, MaxRetries: -1, DialTimeout: time.Second}),
		started: time.Now(),
		journal: &journal{
			out:      os.Stdout,
			problems: os.Stderr,
			rand:     rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)),
			pid:      os.Getpid(),
		},
	}
	defer b.redis.Close()
	listener, err := net.Listen("tcp", conf.Listen)
	if err != nil {
		b.journal.failure(
			time.Now(),
			"NestApplication",
			"Error: listen EADDRINUSE: address already in use "+conf.Listen,
			err.Error(),
		)
		return err
	}
	server := &http.Server{
		Handler:           b.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go server.Serve(listener)
	defer server.Close()
	b.journal.nest(b.journal.out, time.Now(), "LOG", "NestApplication", "Nest application successfully started")
	b.live(ctx)
	b.journal.nest(
		b.journal.out,
		time.Now(),
		"LOG",
		"NestApplication",
		"Nest application received SIGINT, shutting down",
	)
	return nil
}

// handler answers as the Nest application does, with opsdeck's own handlers.
func (b *backend) handler() http.Handler {
	return healthhttp.Handler(
		healthhttp.Service{Name: "qianzhang-backend", Version: "1.8.2", Description: "千张销售管理系统", Environment: "demo",
			Started:  b.started,
			Timeout:  4 * time.Second,
			Database: b.askDatabase,
			Redis:    func(ctx context.Context) error { return b.redis.Ping(ctx).Err() }},
	)
}

func (b *backend) askDatabase(ctx context.Context) error {
	if plantedIn(b.dir)["slow"] {
		pause(ctx, time.Duration(1200+rand.IntN(500))*time.Millisecond)
	}
	var one int
	return b.db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// live is the traffic: a few requests a second, an order every few seconds, an
// error burst every few minutes.
func (b *backend) live(ctx context.Context) {
	r := b.journal.rand
	burst := 0
	for pause(ctx, time.Duration(80+r.IntN(500))*time.Millisecond) {
		planted := plantedIn(b.dir)
		took := 8 + r.IntN(90)
		if planted["slow"] || r.IntN(80) == 0 {
			took = 1000 + r.IntN(2600)
		}
		b.journal.request(time.Now(), took)
		b.redis.Incr(ctx, "requests:total")
		if r.IntN(500) == 0 {
			burst = 12
		}
		if burst > 0 {
			burst--
			b.journal.hiccup(time.Now())
		}
		if planted["disk-full"] && r.IntN(3) == 0 {
			b.journal.failure(
				time.Now(),
				"OrderService",
				"Failed to write invoice PDF",
				"ENOSPC: no space left on device, write",
			)
			continue
		}
		if r.IntN(8) == 0 {
			b.trade(ctx)
		}
	}
}

// trade is one order with its audit row, or the lines of its failure.
func (b *backend) trade(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := b.sell(ctx)
	now := time.Now()
	var answered *mysql.MySQLError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.As(err, &answered):
		b.journal.failure(
			now,
			"OrderService",
			"Failed to create order: "+answered.Message,
			"QueryFailedError: "+answered.Message,
		)
	default:
		b.journal.failure(now, "TypeOrmModule", "Unable to connect to the database. Retrying (1)...", err.Error())
	}
}

func (b *backend) sell(ctx context.Context) error {
	r := b.journal.rand
	now := time.Now()
	customer := 1 + r.IntN(customerCount)
	user := 1 + r.IntN(9)
	total := money(int64(2000 + r.IntN(900000)))
	no := fmt.Sprintf("SO%s%05d", now.Format("20060102"), now.UnixMilli()%1e5)
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	done, err := tx.ExecContext(
		ctx,
		"INSERT INTO orders (order_no, customer_id, status, total_amount, remark, created_at) VALUES (?, ?, "+
			"'PENDING', ?, ?, ?)",
		no,
		customer,
		total,
		pick(r, remarks),
		now,
	)
	if err != nil {
		return err
	}
	id, err := done.LastInsertId()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO order_items (order_id, product_id, qty, price) VALUES (?, ?, ?, ?)",
		id, 1+r.IntN(60), 1+r.IntN(60), money(int64(300+r.IntN(900)))); err != nil {
		return err
	}
	values := auditValues(
		r,
		now,
		user,
		"CREATE",
		"ORDER",
		int(id),
		nil,
		map[string]any{"orderNo": no, "customerId": customer, "totalAmount": total},
	)
	if _, err := tx.ExecContext(ctx, "INSERT INTO audit_logs (user_id, action, resource_type, resource_id, "+
		"old_value, new_value, ip_address, user_agent, api_path, request_body, http_method, idempotency_key, "+
		"response_data, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values...); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	b.journal.info(now, "LOG", "OrderService", fmt.Sprintf("Order created successfully: %s", no))
	b.journal.business(now, "ORDER_CREATED", user, map[string]any{"orderId": id, "orderNo": no, "totalAmount": total})
	return nil
}
