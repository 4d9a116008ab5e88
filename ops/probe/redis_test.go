package probe

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

func TestRedisIsSeenStoppingAndComingBack(t *testing.T) {
	s := testdb.Redis(t)
	optional, required := Redis{Address: s.Addr}.Probe(), Redis{Address: s.Addr, Required: true}.Probe()
	r := look(t, optional)
	if r.State != ops.StateOK || r.Field("version") == "" || r.Field("used_memory_bytes").(int64) < 1 {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	s.Kill()
	if r := look(t, optional); r.State != ops.StateWarning || !r.Down ||
		r.Detail.String() != "Redis is down (connection refused)" {
		t.Errorf("optional: %s %s", r.State, r.Detail)
	}
	if r := look(t, required); r.State != ops.StateCritical || !r.Down {
		t.Errorf("required: %s %s", r.State, r.Detail)
	}
	s.Start(t)
	if r := look(t, required); r.State != ops.StateOK {
		t.Errorf("%s: %s", r.State, r.Detail)
	}
}

func TestRedisLoginThatIsRefusedIsNotDown(t *testing.T) {
	s := testdb.Redis(t, "--requirepass", "secret")
	if r := look(t, Redis{Address: s.Addr, Password: "secret"}.Probe()); r.State != ops.StateOK {
		t.Errorf("right password: %s %s", r.State, r.Detail)
	}
	for _, password := range []string{"", "wrong"} {
		if r := look(t, Redis{Address: s.Addr, Password: password}.Probe()); r.State != ops.StateUnknown || r.Down ||
			r.Next.Empty() {
			t.Errorf("%q: %s %s", password, r.State, r.Detail)
		}
	}
}

func TestRedisThatTurnsConnectionsAwayIsNotDown(t *testing.T) {
	s := testdb.Redis(t, "--maxclients", "2")
	p := Redis{Address: s.Addr, Required: true}.Probe()
	eventually := func(what string, ok func(health.Result) bool) {
		t.Helper()
		for deadline := time.Now().Add(ample); ; time.Sleep(20 * time.Millisecond) {
			r := look(t, p)
			if ok(r) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s never came: %s %s", what, r.State, r.Detail)
			}
		}
	}
	eventually(
		"room",
		func(r health.Result) bool { return r.State == ops.StateOK },
	) // those that waited for its start have gone
	var held []net.Conn
	for len(held) < 2 {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	eventually("full", func(r health.Result) bool {
		return r.State == ops.StateCritical && !r.Down &&
			r.Detail.String() == "Redis has no free connections (maxclients is reached)"
	})
	for _, c := range held {
		c.Close()
	}
	eventually("the count", func(r health.Result) bool {
		return r.State == ops.StateWarning && strings.HasPrefix(r.Detail.String(), "Redis rejects connections (") &&
			r.Field("rejected_connections").(int64) > 0
	})
}

func TestRedisEvictionsSinceTheLastLookAreAWarning(t *testing.T) {
	s := testdb.Redis(t, "--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru")
	p := Redis{Address: s.Addr}.Probe()
	if r := look(t, p); r.State != ops.StateOK {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	c, err := dialRedis(t.Context(), s.Addr, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	big := strings.Repeat("x", 100<<10)
	for i := range 40 {
		if _, err := c.do(t.Context(), "SET", string(rune('a'+i)), big); err != nil {
			t.Fatal(err)
		}
	}
	if r := look(t, p); r.State != ops.StateWarning || r.Headline.String() != "Redis is evicting keys: out of memory" {
		t.Errorf("%s: %s", r.State, r.Detail)
	}
	if _, err := c.do(t.Context(), "CONFIG", "SET", "maxmemory",
		"100mb"); err != nil { // else a look's own connection may cost a key
		t.Fatal(err)
	}
	if r := look(t, p); r.State != ops.StateOK {
		t.Errorf("no further evictions: %s %s", r.State, r.Detail)
	}
}

func TestPingerKeepsItsConnectionAndFindsTheServerAgain(t *testing.T) {
	s := testdb.Redis(t, "--requirepass", "secret")
	ping, end := Redis{Address: s.Addr, Password: "secret"}.Pinger()
	defer end()
	ctx, cancel := context.WithTimeout(t.Context(), ample)
	defer cancel()
	for range 3 {
		if err := ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	if err := ping(ctx); err == nil {
		t.Fatal("a server that is gone answered")
	}
	s.Start(t)
	if err := ping(ctx); err != nil {
		t.Fatal(err)
	}
}

func FuzzRedisReply(f *testing.F) {
	for _, s := range []string{"+PONG\r\n", "-ERR x\r\n", "$3\r\nabc\r\n", "$-1\r\n", "$99999999\r\n", ":1\r\n",
		"*1\r\n", "\n", "HTTP/1.1 200 OK\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := &resp{in: bufio.NewReaderSize(strings.NewReader(s), maxReplyLine)}
		if text, err := c.reply(); err == nil && len(text) > len(s) {
			t.Fatalf("%q gave %q", s, text)
		}
	})
}

func TestWhatIsNotRedisEndsInASentence(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, serve := range map[string]func(net.Conn){
		"hangs":   func(net.Conn) { <-hang },
		"garbage": func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"closes":  func(net.Conn) {},
	} {
		addr := raw(t, serve)[len("http://"):]
		began := time.Now()
		r := lookFor(t, 400*time.Millisecond, Redis{Address: addr, Required: true}.Probe())
		if r.State != ops.StateCritical || r.Why.Empty() || time.Since(began) > ample {
			t.Errorf("%s: %s %s after %v", name, r.State, r.Detail, time.Since(began))
		}
		t.Log(name, r.Detail)
	}
}
