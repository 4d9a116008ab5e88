package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// facilities are those of RFC 5424, table 1, in their order.
var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
	"audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// Severities of RFC 5424, table 2.
const (
	sevCritical = 2
	sevWarning  = 4
	sevNotice   = 5
	sevInfo     = 6
)

// maxDatagram is what each receiver should take (RFC 5424, 6.1); a stream takes more.
const (
	maxDatagram = 2048
	maxStream   = 8192
)

// syslog sends RFC 5424 by UDP (RFC 5426), or by TCP with the length before each message
// (RFC 6587, 3.4.1). A local socket gets the form of syslog(3), which is all that rsyslog
// and journald read there: they take the head of RFC 5424 for text.
type syslog struct {
	network, address string
	facility         int
	old              bool // RFC 3164
	host             string
	now              func() time.Time
}

func newSyslog(c config.Notify, now func() time.Time) (*syslog, error) {
	s := &syslog{network: "unix", address: config.Home(c.Address), now: now}
	if s.address == "" {
		s.address = "/dev/log"
	}
	if scheme, _, there := strings.Cut(c.Address, "://"); there {
		u, err := url.Parse(c.Address)
		if err != nil || scheme != "udp" && scheme != "tcp" || u.Hostname() == "" {
			return nil, ops.E(ops.Config, lang.M("%q is not a syslog address", c.Address)).
				WithHint(lang.M("write /dev/log, udp://HOST:514 or tcp://HOST:601"))
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"udp": "514", "tcp": "601"}[scheme]
		}
		s.network = scheme
		s.address = net.JoinHostPort(u.Hostname(), port)
	}
	name := c.Facility
	if name == "" {
		name = "daemon"
	}
	if s.facility = slices.Index(facilities, name); s.facility < 0 {
		return nil, ops.E(ops.Config, lang.M("%q is not a syslog facility", name)).
			WithHint(lang.M("one of %s", strings.Join(facilities, ", ")))
	}
	s.old = c.Format == "rfc3164" || c.Format == "" && s.network == "unix"
	s.host, _ = os.Hostname()
	return s, nil
}

func (s *syslog) preview(m Message) string {
	return s.network + " " + s.address + "\n\n" + s.line(m, maxDatagram)
}

func (s *syslog) send(ctx context.Context, m Message) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return connectionFailed(err)
	}
	defer conn.Close()
	if end, bounded := ctx.Deadline(); bounded {
		_ = conn.SetDeadline(end)
	}
	switch conn.LocalAddr().Network() {
	case "tcp":
		line := s.line(m, maxStream)
		return stream(conn, strconv.Itoa(len(line))+" "+line)
	case "unix": // local streams have a message a line
		return stream(conn, s.line(m, maxStream)+"\n")
	}
	if _, err := io.WriteString(conn, s.line(m, maxDatagram)); err != nil {
		return connectionFailed(err)
	}
	return nil
}

// dial opens the socket. A local one is of datagrams, or else of a stream.
func (s *syslog) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	if s.network != "unix" {
		return d.DialContext(ctx, s.network, s.address)
	}
	conn, err := d.DialContext(ctx, "unixgram", s.address)
	if !errors.Is(err, syscall.EPROTOTYPE) {
		return conn, err
	}
	return d.DialContext(ctx, "unix", s.address)
}

// stream writes and waits for the other side to close, or for a moment: a server that
// is going away answers with a reset rather than an end.
func stream(conn net.Conn, text string) error {
	if _, err := io.WriteString(conn, text); err != nil {
		return connectionFailed(err)
	}
	if half, can := conn.(interface{ CloseWrite() error }); can {
		_ = half.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return connectionFailed(err)
}

// line is the message of at most so many bytes, in its form.
func (s *syslog) line(m Message, most int) string {
	if s.old {
		return s.oldLine(m, most)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>1 %s %s opsdeck %d %s ", s.facility*8+severityOf(m),
		s.now().Format("2006-01-02T15:04:05.000000Z07:00"), header(s.host, 255), os.Getpid(), header(m.Rule, 32))
	b.WriteString(structured(m))
	b.WriteString(" \ufeff")
	return cut(b.String()+said(m), most)
}

// oldLine is the message in RFC 3164's form; a local socket's has no host.
func (s *syslog) oldLine(m Message, most int) string {
	host := ""
	if s.network != "unix" {
		host = header(s.host, 255) + " "
	}
	at := s.now().Format(time.Stamp)
	head := fmt.Sprintf("<%d>%s %sopsdeck[%d]: ", s.facility*8+severityOf(m), at, host, os.Getpid())
	facts := ""
	for _, fact := range []string{m.Service, m.Rule, m.State} {
		if fact != "" {
			facts += header(fact, 100) + " "
		}
	}
	return cut(head+facts+said(m), most)
}

// said is what a message says, in one line.
func said(m Message) string {
	text := strings.Join(strings.FieldsFunc(m.titled(), func(r rune) bool { return r == '\n' || r == '\r' }), " | ")
	if m.Evidence != "" && !strings.Contains(text, m.Evidence) {
		text += " | " + strings.Join(strings.Fields(m.Evidence), " ")
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

func severityOf(m Message) int {
	switch {
	case m.State == "resolved":
		return sevNotice
	case m.Severity == "critical":
		return sevCritical
	case m.Severity == "warning":
		return sevWarning
	}
	return sevInfo
}

// header is a field of the header: visible ASCII, "-" where there is nothing.
func header(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r > 32 && r < 127 {
			return r
		}
		return '_'
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), most)]
}

// structured is the data of an alert: short facts only, evidence is in the message.
func structured(m Message) string {
	pairs := [][2]string{
		{"service", m.Service}, {"rule", m.Rule}, {"severity", m.Severity}, {"state", m.State},
		{"fingerprint", m.Fingerprint}, {"key", m.IdempotencyKey},
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`, "\n", " ")
	out := "[opsdeck@32473" // 32473 is the enterprise number of examples (RFC 5612)
	for _, p := range pairs {
		if p[1] != "" {
			out += " " + p[0] + `="` + escape.Replace(strings.ToValidUTF8(cut(p[1], 100), "\ufffd")) + `"`
		}
	}
	return out + "]"
}
