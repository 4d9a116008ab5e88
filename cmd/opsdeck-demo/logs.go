package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
)

// journal writes the back end's lines in the mix of forms that the field has:
// Nest's text, JSON of the application and of the business, stack traces. Errors
// go to the second writer, as Nest sends them to stderr.
type journal struct {
	out, problems io.Writer
	rand          *rand.Rand
	pid           int
}

func (j *journal) nest(w io.Writer, at time.Time, level, context, message string) {
	fmt.Fprintf(w, "[Nest] %d  - %s %7s [%s] %s\n", j.pid, at.Format("01/02/2006, 3:04:05 PM"), level, context, message)
}

func (j *journal) json(w io.Writer, fields map[string]any) {
	text, _ := json.Marshal(fields)
	fmt.Fprintf(w, "%s\n", text)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// info is a line of level LOG, DEBUG or WARN, as Nest or as JSON.
func (j *journal) info(at time.Time, level, context, message string) {
	if j.rand.IntN(4) > 0 {
		j.nest(j.out, at, level, context, message)
		return
	}
	if level == "LOG" {
		level = "INFO"
	}
	j.json(j.out, map[string]any{"timestamp": stamp(at), "level": level, "context": context, "message": message,
		"metadata": map[string]any{"requestId": fmt.Sprintf("%08x", j.rand.Uint32())}})
}

// business is a JSON line of the business's own form.
func (j *journal) business(at time.Time, kind string, user int, data map[string]any) {
	j.json(
		j.out,
		map[string]any{"timestamp": stamp(at), "type": kind, "userId": user, "userName": userName(user), "data": data},
	)
}

// failure is an error with its stack trace.
func (j *journal) failure(at time.Time, context, message, cause string) {
	if j.rand.IntN(3) == 0 {
		j.json(
			j.problems,
			map[string]any{"timestamp": stamp(at), "level": "ERROR", "context": context, "message": message,
				"error": map[string]any{"name": "Error", "message": cause, "stack": "Error: " + cause + trace(j.rand)}},
		)
		return
	}
	j.nest(j.problems, at, "ERROR", context, message)
	fmt.Fprintf(j.problems, "Error: %s%s\n", cause, trace(j.rand))
}

func trace(r *rand.Rand) string {
	frames := []string{
		"at Pool.getConnection (/app/node_modules/mysql2/lib/pool.js:%d:13)",
		"at OrderService.create (/app/dist/orders/order.service.js:%d:27)",
		"at ArService.applyPayment (/app/dist/ar/ar.service.js:%d:19)",
		"at MysqlQueryRunner.query (/app/node_modules/typeorm/driver/mysql/MysqlQueryRunner.js:%d:31)",
	}
	var b strings.Builder
	for range 2 + r.IntN(2) {
		fmt.Fprintf(&b, "\n    "+pick(r, frames), 20+r.IntN(400))
	}
	return b.String() + "\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
}

// request is what one request leaves in the log.
func (j *journal) request(at time.Time, took int) {
	id := 1 + j.rand.IntN(orderCount)
	switch j.rand.IntN(8) {
	case 0:
		j.info(at, "DEBUG", "CacheService", fmt.Sprintf("cache miss key=orders:%d", id))
	case 1:
		j.info(at, "LOG", "AuditLogService", fmt.Sprintf("查询审计日志 resourceId=%d", id))
	case 2:
		j.business(at, "INVOICE_VIEWED", 1+j.rand.IntN(9), map[string]any{"invoiceId": id, "客户": firm(j.rand)})
	default:
		path := pick(
			j.rand,
			[]string{"/api/v1/orders/%d", "/api/v1/customers/%d", "/api/v1/ar-invoices/%d", "/api/v1/orders?page=%d"},
		)
		j.info(at, "LOG", "HttpLogger", fmt.Sprintf("GET "+path+" 200 took %dms", id, took))
	}
}

// hiccup is something that went wrong; now and then one of the four errors that
// need a person at once.
func (j *journal) hiccup(at time.Time) {
	switch n := j.rand.IntN(40); {
	case n == 0:
		j.failure(
			at,
			"TypeOrmModule",
			"Unable to connect to the database. Retrying (1)...",
			"connect ECONNREFUSED 127.0.0.1:3306",
		)
	case n < 3:
		j.failure(
			at,
			"BankGateway",
			"External API call failed: https://api.bank.example/v1/pay",
			"timeout of 5000ms exceeded",
		)
	case n == 3:
		j.failure(
			at,
			"ExceptionsHandler",
			"Unhandled exception in job settle-invoices",
			"Cannot read properties of undefined (reading 'amount')",
		)
	case n < 22:
		j.info(at, "WARN", "CreditService", fmt.Sprintf("客户 %s 信用额度不足", firm(j.rand)))
	default:
		j.failure(
			at,
			"OrderService",
			fmt.Sprintf("Failed to create order for customer %d", 1+j.rand.IntN(customerCount)),
			"Lock wait timeout exceeded; try restarting transaction",
		)
	}
}

const heapDeath = `
<--- Last few GCs --->
[1:0x7f8a5c000b70] 86412345 ms: Mark-Compact 4091.2 (4129.8) -> 4084.6 (4130.1) MB, 2210.44 / 0.00 ms (average mu = 0.081) allocation failure
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
`

// span writes the lines of a stretch of time.
func (j *journal) span(from, to time.Time, lines int) {
	step := to.Sub(from) / time.Duration(lines)
	burst := j.rand.IntN(lines)
	for i := range lines {
		at := from.Add(time.Duration(i) * step)
		took := 8 + j.rand.IntN(90)
		if j.rand.IntN(60) == 0 {
			took = 1000 + j.rand.IntN(2500)
		}
		j.request(at, took)
		if j.rand.IntN(60) == 0 || i >= burst && i < burst+8 {
			j.hiccup(at)
		}
	}
}

// writeLogHistory makes the rotated files of several days, as pm2-logrotate
// leaves them, and today's beginnings.
func writeLogHistory(dir string, now time.Time) error {
	j := &journal{rand: rand.New(rand.NewPCG(1, 29)), pid: 12345}
	for days := 6; days >= 1; days-- {
		end := midnight(now.AddDate(0, 0, 1-days))
		if err := j.rotated(dir, end.AddDate(0, 0, -1), end); err != nil {
			return err
		}
	}
	begin := midnight(now)
	if now.Sub(begin) < time.Hour {
		begin = now.Add(-time.Hour)
	}
	out, problems, err := openLogs(dir)
	if err != nil {
		return err
	}
	defer out.Close()
	defer problems.Close()
	var outText, problemText strings.Builder
	j.out = &outText
	j.problems = &problemText
	j.nest(j.out, begin, "LOG", "NestFactory", "Starting Nest application...")
	j.nest(j.out, begin, "LOG", "NestApplication", "Nest application successfully started")
	j.span(begin, now, 1800)
	if _, err := io.WriteString(out, outText.String()); err != nil {
		return err
	}
	_, err = io.WriteString(problems, problemText.String())
	return err
}

// rotated writes one day's two files, named after the moment of their rotation.
func (j *journal) rotated(dir string, from, to time.Time) error {
	var out, problems strings.Builder
	j.out = &out
	j.problems = &problems
	j.span(from, to, 2500)
	for kind, text := range map[string]string{"out": out.String(), "error": problems.String()} {
		name := filepath.Join(
			dir,
			fmt.Sprintf("qianzhang-backend-%s__%s.log.gz", kind, to.Format("2006-01-02_15-04-05")),
		)
		err := atomicfile.Write(name, 0o644, func(w io.Writer) error {
			z := gzip.NewWriter(w)
			if _, err := io.WriteString(z, text); err != nil {
				return err
			}
			return z.Close()
		})
		if err != nil {
			return err
		}
		if err := os.Chtimes(name, to, to); err != nil {
			return err
		}
	}
	return nil
}

// openLogs opens the live files as PM2 does, to append.
func openLogs(dir string) (out, problems *os.File, err error) {
	open := func(kind string) (*os.File, error) {
		return os.OpenFile(
			filepath.Join(dir, "qianzhang-backend-"+kind+".log"),
			os.O_CREATE|os.O_APPEND|os.O_WRONLY,
			0o644,
		)
	}
	if out, err = open("out"); err != nil {
		return nil, nil, err
	}
	if problems, err = open("error"); err != nil {
		out.Close()
		return nil, nil, err
	}
	return out, problems, nil
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
