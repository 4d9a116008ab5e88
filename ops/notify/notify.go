// Package notify tells people: by mail, by the webhooks of DingTalk, WeCom,
// Feishu and Slack, or by a plain webhook. Secrets (the webhook's URL, the
// mail's password) come from files that only their owner can read, and stand in
// no error and no preview.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Timeout bounds the sending of one message to one target.
const Timeout = 15 * time.Second

// maxText is the longest text that every chat takes, in bytes: WeCom's limit.
const maxText = 2048

// Target is one of those who are told.
type Target struct {
	conf   config.Notify
	url    *url.URL // of a webhook
	secret string   // signs DingTalk's and Feishu's messages; may be empty
	now    func() time.Time
	client *http.Client
}

// New makes a target and reads its secrets. A webhook's file holds the URL and,
// on a second line, the secret with which DingTalk or Feishu want it signed.
func New(c config.Notify) (*Target, error) {
	t := &Target{conf: c, now: time.Now, client: &http.Client{Timeout: Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	switch c.Kind {
	case "smtp":
		if c.Host == "" || c.From == "" || len(c.To) == 0 {
			return nil, ops.E(ops.Config, lang.M("the notify target %s lacks host, from or to", c.Name))
		}
		return t, nil
	case "dingtalk", "wecom", "feishu", "slack", "webhook":
		return t, t.readURL()
	}
	return nil, ops.E(ops.Config, lang.M("the notify target %s has an unknown kind %q", c.Name, c.Kind)).
		WithHint(lang.M("one of smtp, webhook, dingtalk, wecom, feishu, slack"))
}

func (t *Target) readURL() error {
	text, err := secretFile(t.conf.URLFile)
	if err != nil {
		return err
	}
	lines := strings.Fields(text)
	if len(lines) == 0 {
		return ops.E(ops.Config, lang.M("the file %s holds no URL", t.conf.URLFile))
	}
	u, err := url.Parse(lines[0])
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return ops.E(ops.Config, lang.M("the file %s holds no https URL", t.conf.URLFile))
	}
	t.url = u
	if len(lines) > 1 {
		t.secret = lines[1]
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secretFile reads a file that nobody but its owner may read.
func secretFile(path string) (string, error) {
	path = config.Home(path)
	f, err := os.Open(path)
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
	return strings.TrimSpace(string(text)), err
}

// Name is the target's name in the configuration.
func (t *Target) Name() string { return t.conf.Name }

// Preview is what would be sent, without what is secret.
func (t *Target) Preview(m Message) string {
	if t.conf.Kind == "smtp" {
		return fmt.Sprintf(
			"To: %s\nFrom: %s\nSubject: %s\n\n%s",
			strings.Join(t.conf.To, ", "),
			t.conf.From,
			m.Subject,
			m.Text,
		)
	}
	body, err := json.MarshalIndent(t.payload(m), "", "  ")
	if err != nil {
		return err.Error()
	}
	return "POST " + t.url.Scheme + "://" + t.url.Host + "/…\n\n" + string(body)
}

// Send tells the target. Errors hold neither URL nor password.
func (t *Target) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var err error
	if t.conf.Kind == "smtp" {
		err = t.mail(ctx, m)
	} else {
		err = t.post(ctx, m)
	}
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("could not notify %s", t.conf.Name))
	}
	return nil
}

// payload is the body in the target's own form, unsigned.
// Sources: open.dingtalk.com custom robots; developer.work.weixin.qq.com group
// robots; open.feishu.cn custom bots; api.slack.com incoming webhooks.
func (t *Target) payload(m Message) any {
	text := cut(m.titled(), maxText)
	switch t.conf.Kind {
	case "dingtalk", "wecom":
		return map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}
	case "feishu":
		return map[string]any{"msg_type": "text", "content": map[string]any{"text": text}}
	case "slack":
		return map[string]any{"text": text}
	}
	return m.plain()
}

// cut shortens text to at most n bytes without cutting a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	const more = "…"
	n -= len(more)
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + more
}

func (t *Target) post(ctx context.Context, m Message) error {
	u, payload := *t.url, t.payload(m)
	t.sign(&u, payload)
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is not usable")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := t.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL: it is the secret
		}
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return judge(t.conf.Kind, res, answer)
}

// sign adds what DingTalk and Feishu want of a robot with a secret.
func (t *Target) sign(u *url.URL, payload any) {
	if t.secret == "" {
		return
	}
	switch t.conf.Kind {
	case "dingtalk":
		at := strconv.FormatInt(t.now().UnixMilli(), 10)
		q := u.Query()
		q.Set("timestamp", at)
		q.Set("sign", mac(t.secret, at+"\n"+t.secret))
		u.RawQuery = q.Encode()
	case "feishu":
		at := strconv.FormatInt(t.now().Unix(), 10)
		if signed, ok := payload.(map[string]any); ok {
			signed["timestamp"] = at
			signed["sign"] = mac(at+"\n"+t.secret, "")
		}
	}
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// judge tells whether the answer means that the message was taken: these chats
// answer 200 to what they refuse.
func judge(kind string, res *http.Response, body []byte) error {
	if err := judgeStatus(res); err != nil {
		return err
	}
	var said struct {
		ErrCode *int   `json:"errcode"`
		ErrMsg  string `json:"errmsg"`
		Code    *int   `json:"code"`
		Msg     string `json:"msg"`
	}
	known := json.Unmarshal(body, &said) == nil
	switch kind {
	case "dingtalk", "wecom":
		if !known || said.ErrCode == nil {
			return later(errors.New("its answer is none of a chat's"), 0)
		}
		return judgeCode(*said.ErrCode, said.ErrMsg)
	case "feishu":
		if !known || said.Code == nil {
			return later(errors.New("its answer is none of a chat's"), 0)
		}
		return judgeCode(*said.Code, said.Msg)
	}
	return nil
}

// busyCodes are the answers of the chats that mean "later": DingTalk's 130101 and
// 410100, WeCom's 45009 and 45033, Feishu's 11232 and 99991400 say "too fast"; -1 is
// "the system is busy".
var busyCodes = []int{-1, 130101, 410100, 45009, 45033, 11232, 99991400}

func judgeCode(code int, text string) error {
	if code == 0 {
		return nil
	}
	err := fmt.Errorf("it refused: %d %s", code, cut(text, 200))
	if slices.Contains(busyCodes, code) {
		return later(err, time.Minute)
	}
	return refused(err)
}

func judgeStatus(res *http.Response) error {
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return nil
	}
	err := fmt.Errorf("it answered %d", res.StatusCode)
	switch {
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout, res.StatusCode > 499:
		return later(err, waitOf(res))
	case res.StatusCode < 400:
		return refused(fmt.Errorf("it answered %d, a redirect, which is not followed", res.StatusCode))
	}
	return refused(err)
}

// waitOf reads Retry-After (RFC 9110, 10.2.3), in its form of seconds or of a date;
// an hour at most.
func waitOf(res *http.Response) time.Duration {
	text := res.Header.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(time.Until(at), time.Hour))
	}
	return 0
}
