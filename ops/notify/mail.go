package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// mailer sends by SMTP.
type mailer struct {
	conf     config.Notify
	password string
	tls      *tls.Config
}

func newMailer(c config.Notify) (*mailer, error) {
	if c.Host == "" || c.From == "" || len(c.To) == 0 {
		return nil, ops.E(ops.Config, lang.M("the notify target %s lacks host, from or to", c.Name))
	}
	m := &mailer{conf: c, tls: &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}}
	if c.TLS == "none" && c.User != "" && !listener.Loopback(c.Host) {
		return nil, ops.E(ops.Config, lang.M("the notify target %s would send its password without TLS", c.Name)).
			WithHint(lang.M("remove tls: none, or user and password_file"))
	}
	var err error
	if c.CAFile != "" {
		if m.tls.RootCAs, err = rootsOf(c.CAFile); err != nil {
			return nil, err
		}
	}
	if c.User != "" {
		m.password, err = secretFile(c.PasswordFile)
	}
	return m, err
}

// rootsOf reads the authorities of a PEM file, which take the place of the system's.
func rootsOf(path string) (*x509.CertPool, error) {
	text, err := regular.ReadFile(config.Home(path))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, ops.E(ops.Config, lang.M("%s contains no PEM certificate", path))
	}
	return roots, nil
}

func (t *mailer) preview(m Message) string {
	return fmt.Sprintf("To: %s\nFrom: %s\nSubject: %s\n\n%s", strings.Join(t.conf.To, ", "), t.conf.From, m.Subject,
		m.Text)
}

func (t *mailer) send(ctx context.Context, m Message) error {
	msg, err := t.letter(m)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(t.conf.Host, t.options(ctx)...)
	if err != nil {
		return permanent(lang.Raw(err.Error()))
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return t.judge(errors.Join(ctx.Err(), err))
	}
	return nil
}

func (t *mailer) letter(m Message) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(t.conf.From); err != nil {
		return nil, permanent(lang.M("the sender %q is not a mail address", t.conf.From))
	}
	if err := msg.To(t.conf.To...); err != nil {
		return nil, permanent(lang.M("a recipient is not a mail address: %s", strings.Join(t.conf.To, ", ")))
	}
	msg.Subject(strings.Join(strings.Fields(m.Subject), " "))
	msg.SetDate()
	msg.SetMessageID()
	if m.IdempotencyKey != "" { // a mail that is sent twice shows once
		msg.SetMessageIDWithValue(wordOf(m.IdempotencyKey) + "@opsdeck")
	}
	if m.Severity == "critical" && m.State != "resolved" {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	for _, path := range m.Files {
		msg.AttachFile(path)
	}
	return msg, nil
}

// wordOf is text with nothing but what a message ID may hold.
func wordOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, text)
}

func (t *mailer) options(ctx context.Context) []mail.Option {
	port := t.conf.Port
	secure := t.secure()
	if port == 0 {
		port = 587
		if secure == "implicit" {
			port = 465
		}
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(timeLeft(ctx)), mail.WithTLSConfig(t.tls)}
	switch secure {
	case "implicit":
		options = append(options, mail.WithSSL())
	case "required":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithDialContextFunc(dialer(ctx)))
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS), mail.WithDialContextFunc(dialer(ctx)))
	}
	if t.conf.User == "" {
		return options
	}
	return append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(t.conf.User),
		mail.WithPassword(t.password))
}

func timeLeft(ctx context.Context) time.Duration {
	if end, bounded := ctx.Deadline(); bounded {
		return max(time.Until(end), time.Millisecond)
	}
	return timeout
}

// dialer closes the connection when ctx ends: the mail client looks at ctx while it
// connects, and no more.
func dialer(ctx context.Context) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// secure is how TLS is had: implicit from the start, required by STARTTLS, none.
// Where nothing is configured the port tells, and only this machine is spoken to in
// the clear, without a password.
func (t *mailer) secure() string {
	switch {
	case t.conf.TLS != "":
		return t.conf.TLS
	case t.conf.Port == 465:
		return "implicit"
	case t.conf.User == "" && listener.Loopback(t.conf.Host):
		return "none"
	}
	return "required"
}

// judge sorts an error of SMTP: 4xx asks for a later try, 5xx is final (RFC 5321, 4.2.1).
func (t *mailer) judge(err error) error {
	var (
		sending *mail.SendError
		reply   *textproto.Error
		code    int
	)
	text, _, _ := strings.Cut(err.Error(), ", affected ")
	why := lang.M("the mail server refused: %s", masked(text, t.password))
	switch {
	case errors.As(err, &reply):
		code = reply.Code
	case errors.As(err, &sending):
		code = sending.ErrorCode()
	}
	switch {
	case code == 552: // the message is too large (RFC 1870, 6.1)
		return unacceptable(why)
	case code >= 500:
		return permanent(why)
	case code >= 400:
		return temporary(0, why)
	case strings.Contains(text, "does not support STARTTLS"):
		return permanent(lang.M("the mail server does not offer STARTTLS"))
	}
	return connectionFailed(err)
}
