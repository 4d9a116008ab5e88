// Package notify tells people and programs: by mail, by the webhooks of DingTalk,
// WeCom, Feishu and Slack, by a plain webhook, by Alertmanager, a command or
// syslog. Secrets (the webhook's URL, the mail's password) come from files that
// only their owner can read, and stand in no error and no preview.
package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// timeout bounds the sending of one message to one target.
const timeout = 15 * time.Second

// Target is one of those who are told. It keeps the target's limit of messages a
// minute: whoever sends many keeps the Target.
type Target struct {
	name    string
	carrier carrier
	limit   *limiter
	now     func() time.Time
}

// carrier is a way to a target.
type carrier interface {
	send(ctx context.Context, m Message) error
	preview(m Message) string
}

// New makes a target and reads its secrets and its template. A webhook's file holds
// the URL and, on a second line, the secret with which DingTalk or Feishu want it
// signed, or the bearer token of a plain webhook or of Alertmanager.
func New(c config.Notify) (*Target, error) {
	t := &Target{name: c.Name, now: time.Now}
	t.limit = newLimiter(perMinute(c))
	var err error
	switch c.Kind {
	case "smtp":
		t.carrier, err = newMailer(c)
	case "dingtalk", "wecom", "feishu", "slack", "webhook", "alertmanager":
		t.carrier, err = newHook(c, t.clock)
	case "command":
		t.carrier, err = newCommand(c)
	case "syslog":
		t.carrier, err = newSyslog(c, t.clock)
	default:
		return nil, ops.E(ops.Config, lang.M("the notify target %s has an unknown kind %q", c.Name, c.Kind)).
			WithHint(lang.M("one of %s", strings.Join(config.NotifyKinds, ", ")))
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// clock is the time that signatures and limits go by.
func (t *Target) clock() time.Time { return t.now() }

// Preview is what would be sent, without what is secret.
func (t *Target) Preview(m Message) string { return t.carrier.preview(m.masked()) }

// Send tells the target. Errors hold neither URL nor password; Retryable and
// RetryAfter tell what to do about them.
func (t *Target) Send(ctx context.Context, m Message) error {
	if wait := t.limit.take(t.now()); wait > 0 {
		return t.failed(temporary(wait, lang.M("its limit is reached: %d a minute", t.limit.most)))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := t.carrier.send(ctx, m.masked()); err != nil {
		return t.failed(err)
	}
	return nil
}

func (t *Target) failed(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return ops.Wrap(err, ops.Failed, lang.M("could not notify %s (%s)", t.name, f.Why))
	}
	return ops.Wrap(err, ops.Failed, lang.M("could not notify %s", t.name))
}

// secretFile reads a file that nobody but its owner may read.
func secretFile(path string) (string, error) {
	path = config.Home(path)
	f, err := regular.Open(path)
	if err != nil {
		return "", ops.Wrap(err, ops.Config, lang.M("the secret file cannot be read"))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", ops.E(ops.Config, lang.M("other users can read %s, which holds a secret", path)).
			WithHint(lang.M("run: chmod 600 %s", path))
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// masked is a peer's own words, shortened, without the secrets that it may repeat.
func masked(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "••••••")
		}
	}
	return cut(strings.Join(strings.Fields(text), " "), 200)
}
