package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Probe says what a look at the server judges by.
type Probe struct {
	Target      Target
	Threads     float64       // share of max_connections in use that is a warning
	Transaction time.Duration // a transaction open for longer is a warning
	Lag         time.Duration // a replica farther behind is a warning
	DiskFree    float64       // share of a disk of the binary log's own that must be free; a quarter of it is critical
	// Next says what to do first about a fault; nil says what a command's hint does.
	Next func(Fault) lang.Msg
}

// full is the share of max_connections in use that is critical.
const full = 0.95

// Health makes the probe. Every look opens a connection of its own, for whether
// one can be had is the first question. What the user may not see is a field
// that is unknown, with the reason, and judges nothing.
func (p Probe) Health() health.Probe {
	var started time.Time
	return func(ctx context.Context) health.Result {
		db, err := Open(ctx, p.Target, "", func(c *driver.Config) {
			c.MaxAllowedPacket = 1 << 20 // known, so that the server is not asked
		})
		if err != nil {
			return p.unreachable(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		var one int
		if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
			return p.unreachable(err)
		}
		l := look{ctx: ctx, db: db, probe: p, started: &started}
		l.identify()
		l.server()
		l.room() // before what such a server may not answer
		l.threads()
		l.transactions()
		l.replication()
		return l.done()
	}
}

// unreachable is the result of a look that came to no answer.
func (p Probe) unreachable(err error) health.Result {
	f := FaultOf(err)
	var explained *ops.Error
	if errors.As(err, &explained) && explained.Err != nil {
		err = explained.Err
	}
	r := f.result(p.Target, err)
	if p.Next != nil && !p.Target.blind(f) {
		r.Next = p.Next(f)
	} else if f != NoFault {
		r.Next = lang.Sentence(f.hint(p.Target, err))
	}
	return r
}

// look is one look at a server that answers.
type look struct {
	ctx    context.Context
	db     *sql.DB
	probe  Probe
	r      health.Result
	vars   map[string]string // what the server says of itself; nil when it does not
	maria  bool
	copies replicas
	about  []lang.Msg
	maxCon int64

	started *time.Time
	gone    error               // the server stopped in the middle of the look
	next    map[string]lang.Msg // by the key of a headline: what to do if that is the worst finding
}

// advise says what to do about a finding. It is told if no finding is worse.
func (l *look) advise(headline, next lang.Msg) {
	if l.next == nil {
		l.next = map[string]lang.Msg{}
	}
	l.next[headline.Key] = next
}

// done puts the detail together.
func (l *look) done() health.Result {
	if l.gone != nil {
		return l.probe.unreachable(l.gone)
	}
	if next, ok := l.next[l.r.Headline.Key]; ok {
		l.r.Next = next
	}
	if l.r.State == ops.StateOK && len(l.about) > 0 {
		said := l.about[0]
		for _, a := range l.about[1:] {
			said = lang.M("%s · %s", said, a)
		}
		l.r.Detail = said
	}
	return l.r
}

// identify asks what the server is, and what it replicates from: a replica is
// judged otherwise.
func (l *look) identify() {
	v, err := l.row(
		"SELECT VERSION() AS version, CURRENT_USER() AS account, @@GLOBAL.read_only AS read_only, " +
			"@@GLOBAL.max_connections AS max_connections, " +
			"@@GLOBAL.slow_query_log AS slow_query_log, @@GLOBAL.long_query_time AS long_query_time",
	)
	if err != nil {
		l.r.AddUnknown("version", l.reason(err))
		l.unseen(err)
		return
	}
	l.vars, l.maria = v, isMaria(v["version"])
	l.copies = l.replicas()
}

// server says what the server is.
func (l *look) server() {
	v := l.vars
	if v == nil {
		return
	}
	flavour, name := "mysql", "MySQL"
	if l.maria {
		flavour, name = "mariadb", "MariaDB"
	}
	short, _, _ := strings.Cut(v["version"], "-")
	l.about = append(l.about, lang.Raw(name+" "+short))
	l.r.Add("flavour", flavour, lang.Raw(name))
	l.r.Add("version", v["version"], lang.Raw(v["version"]))
	l.onOff("read_only", v["read_only"])
	l.readOnly(v["read_only"] != "0")
	l.offline()
	l.maxCon = number(v["max_connections"])
	l.onOff("slow_query_log", v["slow_query_log"])
	l.r.Add("long_query_time_s", v["long_query_time"], lang.Raw(v["long_query_time"]+" s"))
}

func (l *look) onOff(name, value string) {
	on := value == "1" || strings.EqualFold(value, "ON")
	text := lang.M("off")
	if on {
		text = lang.M("on")
	}
	l.r.Add(name, on, text)
}

// threads reads uptime and the use of connections.
func (l *look) threads() {
	s, err := l.pairs(
		"SHOW GLOBAL STATUS WHERE Variable_name IN " +
			"('Uptime','Threads_connected','Threads_running','Max_used_connections','Slow_queries','Aborted_connects')",
	)
	if err != nil {
		l.r.AddUnknown("threads_connected", l.reason(err))
		l.unseen(err)
		return
	}
	up := time.Duration(number(s["uptime"])) * time.Second
	*l.started = health.Steady(*l.started, time.Now().Add(-up))
	l.r.Add("uptime_ms", up.Milliseconds(), lang.M("since %s", *l.started))
	l.r.Add("threads_running", number(s["threads_running"]), lang.Msg{})
	l.r.Add("slow_queries", number(s["slow_queries"]), lang.Msg{})
	l.r.Add("max_used_connections", number(s["max_used_connections"]), lang.Msg{})
	l.r.Add("max_connections", l.maxCon, lang.Msg{})
	used := number(s["threads_connected"])
	l.r.Add("threads_connected", used, lang.Raw(human.Count(used)))
	l.about = append(l.about, lang.M("up since %s", *l.started), lang.M("%d of %d connections", used, l.maxCon))
	if l.maxCon <= 0 {
		return
	}
	share := float64(used) / float64(l.maxCon)
	headline := lang.M("MySQL has %d of %d connections in use", used, l.maxCon)
	switch {
	case share >= full:
		l.r.Find(ops.StateCritical, headline, lang.Msg{})
	case l.probe.Threads > 0 && share >= l.probe.Threads:
		l.r.Find(ops.StateWarning, headline, lang.M("limit %s", human.Percent(l.probe.Threads)))
	}
}

// transactions reads open transactions and lock waits; it needs PROCESS.
func (l *look) transactions() {
	v, err := l.row("SELECT COUNT(*) AS n, COALESCE(SUM(trx_state = 'LOCK WAIT'), 0) AS waiting, " +
		"COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0) AS oldest, " +
		"COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_wait_started, NOW())), 0) AS longest FROM " +
		"information_schema.INNODB_TRX")
	if err != nil {
		why := l.reason(err)
		l.r.AddUnknown("transactions", why)
		l.r.AddUnknown("lock_waits", why)
		var next lang.Msg
		state := ops.StateUnknown
		if lacksRight(err) { // the server is fine as far as it can be seen, and the account can be given the right
			state = ops.StateWarning
			next = lang.M("Grant it: %s", "GRANT PROCESS ON *.* TO "+l.account())
		}
		l.r.FindNext(state, lang.M("open transactions and lock waits in MySQL are not visible"), why, next)
		return
	}
	l.prepared() // first, because such a transaction is also one that is open for long
	l.r.Add("transactions", number(v["n"]), lang.Msg{})
	oldest := time.Duration(number(v["oldest"])) * time.Second
	l.r.Add("oldest_transaction_ms", oldest.Milliseconds(), orNone(oldest))
	if limit := l.probe.Transaction; limit > 0 && oldest > limit {
		l.r.Find(
			ops.StateWarning,
			lang.M("a transaction in MySQL has been open for %s", human.Duration(oldest)),
			lang.M("limit %s", human.Duration(limit)),
		)
	}
	waiting := number(v["waiting"])
	longest := time.Duration(number(v["longest"])) * time.Second
	l.r.Add("lock_waits", waiting, lang.Msg{})
	if waiting > 0 && longest >= lockWait {
		l.r.Find(
			ops.StateWarning,
			lang.M("%d transactions are waiting for locks", waiting),
			lang.M("the longest for %s", human.Duration(longest)),
		)
	}
	l.longQueries()
	l.metadataLocks()
}

// metadataLocks finds statements that wait for a lock that no transaction's list has: of a
// table's definition, of FLUSH TABLES WITH READ LOCK, of a backup.
func (l *look) metadataLocks() {
	v, err := l.row("SELECT COUNT(*) AS n, COALESCE(MAX(TIME), 0) AS longest FROM information_schema.PROCESSLIST " +
		"WHERE COMMAND IN ('Query', 'Execute') AND USER NOT IN ('system user', 'event_scheduler') " +
		"AND (STATE LIKE 'Waiting for%lock%' OR STATE LIKE 'Waiting for table flush%')")
	if err != nil {
		l.r.AddUnknown("metadata_lock_waits", l.reason(err))
		return // longQueries asks the same table, and says that it cannot be read
	}
	n := number(v["n"])
	longest := time.Duration(number(v["longest"])) * time.Second
	l.r.Add("metadata_lock_waits", n, lang.Msg{})
	if n > 0 && longest >= lockWait {
		l.r.Find(
			ops.StateWarning,
			lang.M("%d statements wait for metadata or global locks", n),
			lang.M("the longest for %s", human.Duration(longest)),
		)
	}
}

// offline finds a MySQL that lets in its administrators alone: it looks well to opsdeck
// where that is one. MariaDB has no such mode.
func (l *look) offline() {
	if l.maria {
		return
	}
	v, err := l.row("SELECT @@GLOBAL.offline_mode AS offline_mode")
	if err != nil || v["offline_mode"] != "1" {
		return
	}
	var next lang.Msg
	if l.probe.Next != nil {
		next = l.probe.Next(Offline)
	}
	l.r.FindNext(ops.StateCritical, lang.M("MySQL is in offline mode"), lang.M("only administrators can connect"), next)
}

// account is the account that the server took the login for, as GRANT wants it.
func (l *look) account() string {
	name := l.vars["account"]
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return "'" + l.probe.Target.User + "'"
	}
	return "'" + name[:at] + "'@'" + name[at+1:] + "'"
}

// unseen is a look that broke off: what was not seen is not well.
func (l *look) unseen(err error) {
	l.r.Find(ops.StateUnknown, lang.M("cannot check MySQL"), l.reason(err))
}

// longQueries finds statements that run for longer than a transaction should; the
// server's own threads, and those of replication, always do.
func (l *look) longQueries() {
	limit := l.probe.Transaction
	v, err := l.row("SELECT COUNT(*) AS n, COALESCE(MAX(TIME), 0) AS longest FROM information_schema.PROCESSLIST " +
		"WHERE COMMAND IN ('Query', 'Execute') AND ID <> CONNECTION_ID() AND USER NOT IN ('system user', " +
		"'event_scheduler') " +
		"AND TIME > " + strconv.FormatInt(int64(limit/time.Second), 10) +
		" AND TIME < 315360000") // ten years: of a session that set its own timestamp, the time is not real
	if err != nil {
		l.r.AddUnknown("long_queries", l.reason(err))
		l.r.Find(ops.StateUnknown, lang.M("the statements that run in MySQL are not visible"), l.reason(err))
		return
	}
	n := number(v["n"])
	l.r.Add("long_queries", n, lang.Msg{})
	if limit > 0 && n > 0 {
		longest := time.Duration(number(v["longest"])) * time.Second
		l.r.Find(ops.StateWarning, lang.M("%d statements in MySQL have been running too long", n),
			lang.M("the longest for %s, limit %s", human.Duration(longest), human.Duration(limit)))
	}
}

func orNone(d time.Duration) lang.Msg {
	if d == 0 {
		return lang.M("none")
	}
	return lang.Raw(human.Duration(d))
}

// lockWait is how long a wait for a lock is nobody's concern.
const lockWait = 2 * time.Second
