package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Redis says where a Redis is and what to think of its absence.
type Redis struct {
	Address  string
	Password string
	Required bool // down is critical; else a warning, for the service does without
}

// Probe sends PING and INFO. Evictions and rejected connections are findings
// when they grew since the look before.
func (c Redis) Probe() health.Probe {
	var last counters
	var started time.Time
	return func(ctx context.Context) health.Result {
		client, err := dialRedis(ctx, c.Address, c.Password)
		if err != nil {
			return c.down(err)
		}
		defer client.close()
		if _, err := client.do(ctx, "PING"); err != nil {
			return c.down(err)
		}
		r := health.Result{Detail: lang.M("responds")}
		info, err := client.do(ctx, "INFO")
		if err != nil {
			r.AddUnknown("info", redisWhy(err))
			return r
		}
		last = readInfo(&r, info, last, &started)
		return r
	}
}

// Pinger sends PING over a connection that it keeps, and opens another after a
// failure. close gives the connection back.
func (c Redis) Pinger() (ping func(context.Context) error, close func() error) {
	var mu sync.Mutex
	var client *resp
	drop := func() error {
		if client == nil {
			return nil
		}
		err := client.close()
		client = nil
		return err
	}
	ping = func(ctx context.Context) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if client == nil {
			if client, err = dialRedis(ctx, c.Address, c.Password); err != nil {
				return err
			}
		}
		if _, err = client.do(ctx, "PING"); err != nil {
			drop()
		}
		return err
	}
	return ping, func() error {
		mu.Lock()
		defer mu.Unlock()
		return drop()
	}
}

func (c Redis) down(err error) health.Result {
	r := health.Broken(lang.M("Redis is down"), redisWhy(err))
	if strings.HasPrefix(err.Error(), "NOAUTH") || strings.HasPrefix(err.Error(), "WRONGPASS") {
		r = health.CannotTell(lang.M("Redis refuses opsdeck's login"), lang.M("user or password refused"))
		r.Next = lang.M("Check redis.password_file in the configuration.")
		return r
	}
	if strings.HasPrefix(err.Error(), "ERR max number of clients") {
		r = health.Broken(lang.M("Redis has no free connections"), lang.M("maxclients is reached"))
		r.Down = false
	}
	if errors.Is(err, errNotRedis) {
		r.Next = lang.M("Check redis.address in the configuration: another program answers there.")
	}
	if !c.Required {
		r.State = ops.StateWarning
	}
	return r
}

func redisWhy(err error) lang.Msg {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return lang.M("connection refused")
	case errors.As(err, &dns):
		return lang.M("name not found")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return lang.M("timed out without a response")
	case errors.Is(err, errNotRedis):
		return lang.M("the server that answers is not Redis")
	case errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return lang.M("the connection broke")
	case strings.HasPrefix(err.Error(), "LOADING"):
		return lang.M("it is still loading its data")
	}
	return lang.Raw(clip(err.Error()))
}

// counters are what only grows, and is judged by how much.
type counters struct {
	seen              bool
	evicted, rejected int64
}

// readInfo makes fields of INFO's answer and judges them.
func readInfo(r *health.Result, info string, last counters, started *time.Time) counters {
	v := map[string]string{}
	for _, line := range strings.Split(info, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			v[key] = value
		}
	}
	r.Raw = redact.Text(info)
	if len(r.Raw) > 16<<10 {
		r.Raw = r.Raw[:16<<10]
	}
	num := func(key string) int64 { n, _ := strconv.ParseInt(v[key], 10, 64); return n }
	r.Add("version", clip(v["redis_version"]), lang.Msg{})
	up := time.Duration(num("uptime_in_seconds")) * time.Second
	*started = health.Steady(*started, time.Now().Add(-up))
	r.Add("uptime_ms", up.Milliseconds(), lang.M("since %s", *started))
	r.Add("clients", num("connected_clients"), lang.Msg{})
	used := num("used_memory")
	limit := num("maxmemory")
	r.Add("used_memory_bytes", used, lang.Raw(human.Bytes(used)))
	r.Detail = lang.M("Redis %s · up since %s", clip(v["redis_version"]), *started)
	if limit > 0 && float64(used) > 0.9*float64(limit) && v["maxmemory_policy"] == "noeviction" {
		r.Find(ops.StateWarning, lang.M("Redis has used %s of its memory", human.Percent(float64(used)/float64(limit))),
			lang.M("it refuses writes when full"))
	}
	if limit > 0 {
		r.Add("max_memory_bytes", limit, lang.Raw(human.Bytes(limit)))
	} else {
		r.Add("max_memory_bytes", 0, lang.M("no limit"))
	}
	now := counters{true, num("evicted_keys"), num("rejected_connections")}
	r.Add("evicted_keys", now.evicted, lang.Msg{})
	if grew := now.evicted - last.evicted; last.seen && grew > 0 {
		r.Find(ops.StateWarning, lang.M("Redis is evicting keys: out of memory"), lang.M("%d since the last check",
			grew))
	}
	r.Add("rejected_connections", now.rejected, lang.Msg{})
	if grew := now.rejected - last.rejected; last.seen && grew > 0 {
		r.Find(ops.StateWarning, lang.M("Redis rejects connections"), lang.M("%d since the last check", grew))
	}
	return now
}
