package notify

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// postOffice is a real SMTP server that keeps what it is sent.
type postOffice struct {
	port  int
	ca    string // its certificate, a PEM file
	mails chan letter
	fail  *smtp.SMTPError // to each mail
}

type letter struct {
	user, from, to, text string
	tls                  bool
}

// office opens a server; how is "starttls", "implicit" or "plain".
func office(t *testing.T, how string) *postOffice {
	t.Helper()
	p := &postOffice{mails: make(chan letter, 9)}
	web := httptest.NewTLSServer(nil) // for its certificate
	web.Close()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, block, 0o644); err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(p)
	srv.ErrorLog = log.New(io.Discard, "", 0)
	srv.AllowInsecureAuth = true // shows a client that sends its password in the clear
	secure := &tls.Config{Certificates: web.TLS.Certificates}
	if how == "starttls" {
		srv.TLSConfig = secure
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	if how == "implicit" {
		l = tls.NewListener(l, secure)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return p
}

func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	return &session{p: p, letter: letter{tls: secure}}, nil
}

type session struct {
	p *postOffice
	letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "p4ssw0rd" {
			return &smtp.SMTPError{Code: 535, Message: "no " + password + " here"}
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.p.fail != nil {
		return s.p.fail
	}
	s.text = string(text)
	s.p.mails <- s.letter
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (p *postOffice) conf(change func(*config.Notify)) config.Notify {
	c := config.Notify{
		Name: "mail", Kind: "smtp", Host: "127.0.0.1", Port: p.port, CAFile: p.ca,
		From: "opsdeck@example.com", To: []string{"ops@example.com"},
	}
	change(&c)
	return c
}

func sendMail(t *testing.T, c config.Notify, m Message) error {
	t.Helper()
	target, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return target.Send(context.Background(), m)
}

func TestMailGoesByTLS(t *testing.T) {
	password := secret(t, "p4ssw0rd\n", 0o600)
	for how, change := range map[string]func(*config.Notify){
		"starttls": func(c *config.Notify) { c.User, c.PasswordFile = "ops", password },
		"implicit": func(c *config.Notify) { c.TLS, c.User, c.PasswordFile = "implicit", "ops", password },
	} {
		p := office(t, how)
		if err := sendMail(t, p.conf(change), alert()); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		got := <-p.mails
		if !got.tls || got.user != "ops" || got.to != "ops@example.com" {
			t.Errorf("%s: %+v", how, got)
		}
		for _, want := range []string{"From: <opsdeck@example.com>", "Message-ID: <f1-3@opsdeck>", "heap",
			"=E5=86=85"} {
			if !strings.Contains(got.text, want) {
				t.Errorf("the mail lacks %q:\n%s", want, got.text)
			}
		}
	}
}

func TestThisMachineIsSpokenToInTheClearWithoutAPassword(t *testing.T) {
	p := office(t, "plain")
	if err := sendMail(t, p.conf(func(*config.Notify) {}), message); err != nil {
		t.Fatal(err)
	}
	if got := <-p.mails; got.tls || !strings.Contains(got.text, "=?UTF-8?q?[qianzhang]_=E6=95=B0") {
		t.Fatalf("%+v", got)
	}
}

func TestWithoutTLSNoMailAndNoPassword(t *testing.T) {
	password := secret(t, "p4ssw0rd", 0o600)
	p := office(t, "plain")
	for name, change := range map[string]func(*config.Notify){
		"a login":  func(c *config.Notify) { c.User, c.PasswordFile = "ops", password },
		"required": func(c *config.Notify) { c.TLS = "required" },
	} {
		err := sendMail(t, p.conf(change), message)
		if err == nil || Retryable(err) || !strings.Contains(err.Error(), "STARTTLS") {
			t.Errorf("%s: %v, retry %t", name, err, Retryable(err))
		}
	}
	_, err := New(p.conf(func(c *config.Notify) {
		c.Host, c.TLS, c.User, c.PasswordFile = "mail.example", "none", "ops", password
	}))
	if ops.CodeOf(err) != ops.Config {
		t.Errorf("a password in the clear: %v", err)
	}
	m := &mailer{conf: config.Notify{Host: "mail.example"}}
	if m.secure() != "required" {
		t.Errorf("off this machine TLS is %s", m.secure())
	}
	if len(p.mails) > 0 {
		t.Error("a mail was sent")
	}
}

func TestACertificateOfNobodyIsRefused(t *testing.T) {
	p := office(t, "starttls")
	err := sendMail(t, p.conf(func(c *config.Notify) { c.CAFile, c.TLS = "", "required" }), message)
	if err == nil || !strings.Contains(err.Error(), "certificate is not trusted") {
		t.Fatalf("got %v", err)
	}
}

func TestAnswersOfMailAreSorted(t *testing.T) {
	p := office(t, "plain")
	for code, retry := range map[int]bool{452: true, 421: true, 550: false, 554: false} {
		p.fail = &smtp.SMTPError{Code: code, Message: "not now"}
		err := sendMail(t, p.conf(func(*config.Notify) {}), message)
		if err == nil || Retryable(err) != retry || !strings.Contains(err.Error(), "not now") {
			t.Errorf("%d: %v, retry %t", code, err, Retryable(err))
		}
	}
	tlsOffice := office(t, "starttls")
	wrong := secret(t, "wr0ngpass", 0o600)
	err := sendMail(t, tlsOffice.conf(func(c *config.Notify) { c.User, c.PasswordFile = "ops", wrong }), message)
	if err == nil || Retryable(err) || strings.Contains(err.Error(), "wr0ngpass") {
		t.Errorf("a wrong password: %v, retry %t", err, Retryable(err))
	}
}

// TestAHungMailServerIsLeft: it accepts and says nothing; the caller's time is kept,
// and a caller that gives up is let go.
func TestAHungMailServerIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := &postOffice{port: l.Addr().(*net.TCPAddr).Port}
	for _, how := range []string{"none", "required", "implicit"} {
		target, err := New(p.conf(func(c *config.Notify) { c.TLS = how }))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		err = target.Send(ctx, message)
		cancel()
		if !Retryable(err) || !strings.Contains(err.Error(), "timed out without a response") {
			t.Errorf("%s: got %v", how, err)
		}
	}
	target, err := New(p.conf(func(*config.Notify) {}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if conn, err := l.Accept(); err == nil {
			defer conn.Close()
			cancel()
		}
	}()
	if err := target.Send(ctx, message); !Retryable(err) {
		t.Errorf("given up: %v", err)
	}
	cancel()
}
