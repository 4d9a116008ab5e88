package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"opsdeck/internal/lang"
)

// maxText is the longest text that every chat takes, in bytes: WeCom's limit.
const maxText = 2048

// chatPayload is the body in a chat's own form, unsigned; nil when kind is no chat.
// Sources: open.dingtalk.com custom robots; developer.work.weixin.qq.com group
// robots; open.feishu.cn custom bots; api.slack.com incoming webhooks.
func chatPayload(kind string, m Message) map[string]any {
	text := cut(m.titled(), maxText)
	switch kind {
	case "dingtalk", "wecom":
		return map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}
	case "feishu":
		return map[string]any{"msg_type": "text", "content": map[string]any{"text": text}}
	case "slack":
		return map[string]any{"text": text}
	}
	return nil
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

// signs tells whether a kind uses its secret to sign rather than as a token.
func signs(kind string) bool { return kind == "dingtalk" || kind == "feishu" }

// sign adds what DingTalk and Feishu want of a robot with a secret.
func sign(kind, secret string, now time.Time, u *url.URL, payload any) {
	switch kind {
	case "dingtalk":
		at := strconv.FormatInt(now.UnixMilli(), 10)
		q := u.Query()
		q.Set("timestamp", at)
		q.Set("sign", mac(secret, at+"\n"+secret))
		u.RawQuery = q.Encode()
	case "feishu":
		at := strconv.FormatInt(now.Unix(), 10)
		if signed, ok := payload.(map[string]any); ok {
			signed["timestamp"] = at
			signed["sign"] = mac(at+"\n"+secret, "")
		}
	}
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// judgeChat tells whether the answer means that the message was taken: these chats
// answer 200 to what they refuse.
func judgeChat(kind string, body []byte, secrets []string) *failure {
	var said struct {
		ErrCode *int   `json:"errcode"` // DingTalk, WeCom
		ErrMsg  string `json:"errmsg"`
		Code    *int   `json:"code"` // Feishu
		Msg     string `json:"msg"`
		OK      *bool  `json:"ok"` // Slack, where it answers in JSON
		Error   string `json:"error"`
	}
	known := json.Unmarshal(body, &said) == nil
	code, text := said.ErrCode, said.ErrMsg
	switch kind {
	case "dingtalk", "wecom":
	case "feishu":
		code, text = said.Code, said.Msg
	case "slack":
		if known && said.OK != nil && !*said.OK {
			return permanent(lang.M("it refused: %s", masked(said.Error, secrets...)))
		}
		return nil
	default:
		return nil
	}
	if !known || code == nil {
		return temporary(0, lang.M("its response is not from %s", kind))
	}
	return judgeCode(kind, *code, masked(text, secrets...))
}

// tooFast are the codes with which the chats ask to be left alone, and for how
// long: DingTalk is silent for ten minutes, WeCom and Feishu for one. -1 is
// DingTalk's and WeCom's "the system is busy".
var tooFast = map[string][]int{
	"dingtalk": {-1, 130101, 410100},
	"wecom":    {-1, 45009, 45033},
	"feishu":   {11232, 99991400},
}

// badContent are the codes with which the chats refuse what is in a message: too long, empty,
// not of their form.
var badContent = map[string][]int{
	"dingtalk": {40035, 460101},
	"wecom":    {40058, 44004, 45002},
	"feishu":   {9499},
}

func judgeCode(kind string, code int, text string) *failure {
	switch {
	case code == 0:
		return nil
	case slices.Contains(badContent[kind], code):
		return unacceptable(lang.M("it refused: %d %s", code, text))
	case !slices.Contains(tooFast[kind], code):
		return permanent(lang.M("it refused: %d %s", code, text))
	case kind == "dingtalk" && code > 0:
		return temporary(10*time.Minute, lang.M("it refused: %d %s", code, text))
	}
	return temporary(time.Minute, lang.M("it refused: %d %s", code, text))
}
