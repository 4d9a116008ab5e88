package notify

import (
	"context"
	"fmt"

	"github.com/wneessen/go-mail"
)

// mail sends by SMTP: TLS from the start on port 465, else STARTTLS, which must
// be had as soon as a password is sent.
func (t *Target) mail(ctx context.Context, m Message) error {
	msg := mail.NewMsg()
	if err := msg.From(t.conf.From); err != nil {
		return fmt.Errorf("sender %q: %w", t.conf.From, err)
	}
	if err := msg.To(t.conf.To...); err != nil {
		return fmt.Errorf("recipients: %w", err)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	for _, path := range m.Files {
		msg.AttachFile(path)
	}
	options, err := t.mailOptions()
	if err != nil {
		return err
	}
	client, err := mail.NewClient(t.conf.Host, options...)
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	return client.DialAndSendWithContext(ctx, msg)
}

func (t *Target) mailOptions() ([]mail.Option, error) {
	port := t.conf.Port
	if port == 0 {
		port = 587
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(Timeout)}
	policy := mail.TLSOpportunistic
	if t.conf.User != "" {
		password, err := secretFile(t.conf.PasswordFile)
		if err != nil {
			return nil, err
		}
		policy = mail.TLSMandatory
		options = append(
			options,
			mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(t.conf.User),
			mail.WithPassword(password),
		)
	}
	if port == 465 {
		return append(options, mail.WithSSL()), nil
	}
	return append(options, mail.WithTLSPolicy(policy)), nil
}
