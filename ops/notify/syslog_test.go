package notify

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// rfc5424 is the form of a message, by the grammar of RFC 5424, 6.
var rfc5424 = regexp.MustCompile(`^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)) ` +
	`([!-~]{1,255}) (opsdeck) (\d+) ([!-~]{1,32}) (\[opsdeck@32473(?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*\]) \x{feff}(.*)$`)

// rfc3164 is what a local socket gets after the priority.
var rfc3164 = regexp.MustCompile(`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d opsdeck\[\d+\]: qianzhang heap firing .*` +
	`第二行 \\ end \| FATAL ERROR: "Reached heap limit"`)

func syslogTo(t *testing.T, address string) *Target {
	t.Helper()
	target, err := New(config.Notify{Name: "log", Kind: "syslog", Address: address, Facility: "local3"})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestSyslogByEachWay(t *testing.T) {
	dir := t.TempDir()
	for _, network := range []string{"unixgram", "unix", "udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address, got := listen(t, network, filepath.Join(dir, network))
			if err := syslogTo(t, address).Send(context.Background(), alert()); err != nil {
				t.Fatal(err)
			}
			line := <-got
			if strings.HasPrefix(network, "unix") { // as syslog(3) writes it
				line, local := strings.CutPrefix(line, "<154>")
				if !local || !rfc3164.MatchString(line) {
					t.Fatalf("not the form of a local socket: %q", line)
				}
				return
			}
			parts := rfc5424.FindStringSubmatch(line)
			if parts == nil {
				t.Fatal("the message has not the form of RFC 5424")
			}
			if parts[1] != strconv.Itoa(19*8+2) || parts[6] != "heap" ||
				!strings.Contains(parts[7], `service="qianzhang"`) || !strings.Contains(parts[7], `state="firing"`) ||
				!strings.Contains(parts[8], `第二行 \ end | FATAL ERROR: "Reached heap limit"`) {
				t.Fatalf("got %q", parts)
			}
		})
	}
}

// listen opens a listener that gives what one sender says.
func listen(t *testing.T, network, path string) (address string, got chan string) {
	t.Helper()
	got = make(chan string, 1)
	if network == "unixgram" || network == "udp" {
		if network == "udp" {
			path = "127.0.0.1:0"
		}
		conn, err := net.ListenPacket(network, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		go func() {
			text := make([]byte, 1<<16)
			n, _, _ := conn.ReadFrom(text)
			got <- string(text[:n])
		}()
		if network == "udp" {
			return "udp://" + conn.LocalAddr().String(), got
		}
		return path, got
	}
	if network == "tcp" {
		path = "127.0.0.1:0"
	}
	l, err := net.Listen(network, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		if network == "unix" {
			line, _ := in.ReadString('\n')
			got <- strings.TrimSuffix(line, "\n")
			return
		}
		size, _ := in.ReadString(' ')
		n, _ := strconv.Atoi(strings.TrimSpace(size))
		text := make([]byte, n)
		io.ReadFull(in, text)
		got <- string(text)
	}()
	if network == "tcp" {
		return "tcp://" + l.Addr().String(), got
	}
	return path, got
}

func TestSyslogThatIsNotThere(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "log"), "tcp://127.0.0.1:1"} {
		if err := syslogTo(t, address).Send(context.Background(), alert()); !Retryable(err) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, c := range []config.Notify{{Address: "http://h"}, {Address: "tcp://"}, {Facility: "local9"}} {
		c.Name, c.Kind = "log", "syslog"
		if _, err := New(c); ops.CodeOf(err) != ops.Config {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestALongAlertFitsADatagram: it is cut between characters and stays in form.
func TestALongAlertFitsADatagram(t *testing.T) {
	m := alert()
	m.Text = strings.Repeat("恢", 5000)
	m.Rule = strings.Repeat(`"]\`, 100)
	m.Service = "a\nb\xff"
	address, got := listen(t, "udp", "")
	if err := syslogTo(t, address).Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	text := <-got
	if len(text) > maxDatagram || !rfc5424.MatchString(text) || !strings.HasSuffix(text, "恢…") {
		t.Fatalf("%d bytes: %q", len(text), text[:300])
	}
}
