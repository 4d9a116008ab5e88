package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/site/serving"
)

// locked is a buffer that two goroutines may use.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// served runs `opsdeck serve` and returns its base address, and a function that
// ends it and returns the exit code.
func served(t testing.TB, config string) (base string, end func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var said locked
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"--config", config, "--lang", "en", "serve", "--listen", "127.0.0.1:0"},
			stdio{out: io.Discard, err: &said})
	}()
	end = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { end() })
	for range 40_000 {
		if _, rest, ok := strings.Cut(said.String(), "http://"); ok {
			return "http://" + strings.TrimSuffix(strings.TrimSpace(rest), "/health/ready"), end
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("it never served: %s", said.String())
	return "", nil
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// awaitCode asks until the answer has the code.
func awaitCode(t *testing.T, address string, want int) string {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; {
		code, body := get(t, address)
		if code == want {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s answers %d %s, want %d", address, code, body, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestServeFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			config := configFile(
				t,
				fmt.Sprintf(
					"services:\n  - name: 千张\n    database: {options_file: %s, name: mysql}\n",
					s.OptionsFile(t),
				),
			)
			base, end := served(t, config)
			if code, body := get(t, base+"/health"); code != 200 ||
				!strings.HasPrefix(body, `{"status":"ok","timestamp":"`) {
				t.Fatalf("%d %s", code, body)
			}
			if body := awaitCode(t, base+"/health/ready", 200); !strings.Contains(
				body,
				`"checks":{"database":true},"message":"Service is ready"}`,
			) {
				t.Fatal(body)
			}
			s.Kill()
			if body := awaitCode(t, base+"/health/ready", 503); !strings.Contains(body, `{"status":"not ready"`) ||
				!strings.Contains(body, `"checks":{"database":false}`) {
				t.Fatal(body)
			}
			s.Start(t)
			awaitCode(t, base+"/health/ready", 200)
			if code := end(); code != 0 {
				t.Fatalf("exit code %d after it was told to stop", code)
			}
		})
	}
}

func TestServeAnswersThoughTheDatabaseHangs(t *testing.T) {
	silent := testdb.Listen(t, func(net.Conn) {})
	config := configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: x\n    health: {url: \"\", timeout: 200ms}\n    database: {name: a, host: %s, "+
				"port: %d, user: u}\n",
			silent.IP,
			silent.Port,
		),
	)
	base, _ := served(t, config)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			resp, err := http.Get(base + "/health/ready")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 503 {
				t.Errorf("%d", resp.StatusCode)
			}
		})
	}
	wg.Wait()
}

func TestServeSaysWhenItsPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := configFile(t, "services:\n  - name: x\n    database: {name: a, host: 127.0.0.1, port: 1, user: u}\n")
	var out bytes.Buffer
	code := run(
		t.Context(),
		[]string{"--config", config, "--lang", "en", "serve", "--listen", l.Addr().String()},
		stdio{out: io.Discard, err: &out},
	)
	if code != 75 || !strings.Contains(out.String(), "something already listens on") {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
}

// halfSent opens connections that begin a request and never end it, from one address.
func halfSent(t *testing.T, base, from string, n int) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 2 * time.Minute}
	for range n {
		c, err := d.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: x\r\nX-A: "); err != nil &&
			!strings.Contains(err.Error(), "reset") &&
			!strings.Contains(err.Error(), "pipe") {
			t.Fatal(err)
		}
	}
}

func TestHalfSentRequestsDoNotStarveHealth(t *testing.T) {
	config := configFile(t, "services:\n  - name: x\n    database: {name: a, host: 127.0.0.1, port: 1, user: u}\n")
	base, _ := served(t, config)
	began := time.Now()
	halfSent(t, base, "127.0.0.2", 600) // more than all connections together
	client := http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(base + "/health")
	if err != nil {
		t.Fatalf("%v after %v", err, time.Since(began))
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	halfSent(t, base, "127.0.0.1", 600) // its own address too
	if resp, err = client.Get(base + "/health"); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestTLSOnThePlainPortIsAnsweredAtOnce(t *testing.T) {
	config := configFile(t, "services:\n  - name: x\n    database: {name: a, host: 127.0.0.1, port: 1, user: u}\n")
	base, _ := served(t, config)
	for tries := 1; ; tries++ { // one is at once, however busy the machine
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := c.Write([]byte{0x16, 3, 1, 0, 200, 1}); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(c)
		c.Close()
		took := time.Since(began)
		if !strings.Contains(string(answer), "plain HTTP, not TLS") || took > serving.HeaderTime && tries == 20 {
			t.Fatalf("%q after %v", answer, took)
		}
		if took <= serving.HeaderTime {
			return
		}
	}
}
