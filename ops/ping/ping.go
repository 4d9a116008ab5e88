// Package ping tells a dead-man's check that a job began, succeeded or failed, in
// the form of URLs of healthchecks.io: URL/start, URL, URL/EXIT-STATUS, with the last
// lines in the body. The check raises the alarm when it hears nothing: also when this
// machine is gone.
package ping

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/internal/redact"
	"opsdeck/ops"
)

// Bounds of a ping: each try, the pause between two tries, how many, and the bytes of
// the body; healthchecks.io keeps 100,000 of them.
const (
	tryTime = 5 * time.Second
	pause   = time.Second
	tries   = 2
	maxBody = 10_000
)

// Check is the dead-man's check of one job. A nil Check is told nothing.
type Check struct {
	url    *url.URL
	client *http.Client
	pause  time.Duration // between two tries
}

// Open reads the URL of a check from a file that only its owner can read; "" is no check.
func Open(file string) (*Check, error) {
	if file == "" {
		return nil, nil
	}
	text, err := config.ReadSecret(file)
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the ping URL in %s cannot be read", file))
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && listener.Loopback(u.Hostname())) {
		return nil, ops.E(ops.Config, lang.M("the file %s contains no https URL", file))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return &Check{url: u, pause: pause, client: &http.Client{
		Timeout:       tryTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Run is one run of a job, between its first ping and its last.
type Run struct {
	check *Check
	id    string // pairs the pings of a run, a UUID
}

// Begin tells that a run began. The Run is of use whether the ping went through or not.
func (c *Check) Begin(ctx context.Context) (*Run, error) {
	r := &Run{check: c, id: uuid()}
	return r, r.send(ctx, "/start", "")
}

// End tells how a run ended: exit 0 is success. text is its last lines.
func (r *Run) End(ctx context.Context, exit int, text string) error {
	if exit == 0 {
		return r.send(ctx, "", text)
	}
	return r.send(ctx, "/"+strconv.Itoa(min(max(exit, 1), 255)), text)
}

// Alive tells that something that has no end is well.
func (c *Check) Alive(ctx context.Context) error { return (&Run{check: c}).send(ctx, "", "") }

// send gives its ping a few tries; what the check refuses is refused for good. The
// error holds no URL: whoever knows it can feign the job.
func (r *Run) send(ctx context.Context, suffix, text string) error {
	if r.check == nil {
		return nil
	}
	var err error
	for n := range tries {
		if n > 0 {
			select {
			case <-time.After(r.check.pause):
			case <-ctx.Done():
				return err
			}
		}
		var again bool
		if again, err = r.check.post(ctx, suffix, r.id, tail(redact.Text(text))); !again {
			return err
		}
	}
	return err
}

func (c *Check) post(ctx context.Context, suffix, id, text string) (again bool, err error) {
	u := *c.url
	u.Path += suffix
	if id != "" {
		q := u.Query()
		q.Set("rid", id)
		u.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader([]byte(text)))
	if err != nil {
		return false, errors.New("the URL is not valid")
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", "opsdeck")
	res, err := c.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return true, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode >= 500, fmt.Errorf("it responded with %d", res.StatusCode)
	}
	return false, nil
}

// tail is the end of a text that fits a ping, whole characters only.
func tail(text string) string {
	if len(text) <= maxBody {
		return text
	}
	text = text[len(text)-maxBody:]
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}

// uuid is a random UUID (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
