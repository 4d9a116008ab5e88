package redact

import (
	"strings"

	"opsdeck/internal/pattern"
)

// rule is how one kind of secret is known. Where none of its words is in a text, in small
// letters, there is nothing to look for.
type rule struct {
	words []string
	mask  func(string) string
}

// byExpr masks what an expression finds.
func byExpr(expr, with string) func(string) string {
	re := pattern.New(expr)
	return func(s string) string { return re.ReplaceAllString(s, with) }
}

// byCheck masks the second group of what an expression finds, where is says so of the
// first and the second.
func byCheck(expr string, is func(before, value string) bool) func(string) string {
	re := pattern.New(expr)
	return func(s string) string {
		var out strings.Builder
		done := 0
		for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
			if value := s[m[4]:m[5]]; value != Mask && is(s[m[2]:m[3]], value) {
				out.WriteString(s[done:m[4]])
				out.WriteString(Mask)
				done = m[5]
			}
		}
		if done == 0 {
			return s
		}
		return out.String() + s[done:]
	}
}

// nameWords are parts of which each name of a secret has one.
var nameWords = []string{
	"pass", "pwd", "secret", "token", "key", "credential", "sig",
	"密码", "口令", "密钥", "令牌", "私钥", "密碼", "密鑰", "权杖",
}

// twoWords and zhWords are those of the rules for a name and a value without a sign.
var (
	twoWords = []string{
		"passw", "passp", "pwd", "token", "credential", "api key", "api-key", "api_key", "apikey",
		"access key", "access-key", "access_key", "accesskey", "private key", "private-key", "private_key",
		"privatekey",
	}
	zhWords = []string{"密码", "口令", "密钥", "令牌", "私钥"}
)

// shapeWords begin the tokens of well-known services.
var shapeWords = []string{
	"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "xox", "sk-", "akia", "ltai",
}

// sqlText is a quoted text of SQL.
const sqlText = `('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$))`

// words that follow "--password" or "password" in a sentence.
var sentence = pattern.New(
	`(?i)^(?:is|are|was|has|on|and|or|for|in|with|to|of|from|the|an?|option|must|can|cannot|may|not|needs?|required|` +
		`missing|value|given|set|flag|argument|if|when|as|at|by|be|will|should)\b`,
)

var rules = []rule{
	// scheme://user:secret@host, a token alone before the host, and user:secret@tcp(host).
	{[]string{"://"}, byExpr(`(://[^\s:/@'"]*:)[^\s/'"]+(@)`, "${1}"+Mask+"${2}")},
	{[]string{"://"}, byCheck(`(?i)(https?://)([^\s:/@'"]+)@`, func(_, v string) bool { return looksSecret(v, 8) })},
	{[]string{"@tcp(", "@unix("}, byExpr(`(\b[\w.-]+:)[^\s"']+(@(?:tcp|unix)\()`, "${1}"+Mask+"${2}")},
	{[]string{"authorization"}, byExpr(
		`(?i)(\bauthorization["'\\]*\s*[:=]\s*["'\\\[]*(?:bearer|basic|digest|token|apikey|negotiate|ntlm|hmac)\s+)`+
			`(?:[\w-]+=(?:\\*"[^"]*"|[^\s,"]+)(?:\s*,\s*[\w-]+=(?:\\*"[^"]*"|[^\s,"]+))+|[^\s"',;\\]+)`,
		"${1}"+Mask)},
	{[]string{"authorization"}, byCheck(`(?i)(\bauthorization["'\\]*\s*[:=]\s*["'\\\[]*)([^\s"',;\\]+)`,
		func(_, v string) bool { return looksSecret(v, 6) && !strings.HasPrefix(Small(v), "aws4-") })},
	{[]string{"bearer"}, byCheck(`(?i)(\bbearer\s+)([\w.~+/=-]+)`,
		func(_, v string) bool { return looksSecret(v, 6) || len(v) >= 20 })},
	{[]string{"cookie"}, byExpr(`(?i)((?:set-)?cookie\s*:\s*)[^\r\n"]+`, "${1}"+Mask)},
	{[]string{"cookie"}, byExpr(`(?i)((?:set-)?cookie\\*"\s*:\s*\[?\\*")[^"\\\r\n]+`, "${1}"+Mask)},
	{nameWords, maskAssigned},
	// The name and the value as two words.
	{[]string{"--"}, byCheck(`(?i)(--[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)`+
		`\s+["']?)([^\s"'=-][^\s"']*)`,
		func(_, v string) bool { return looksSecret(v, 4) || !sentence.MatchString(v) })},
	{twoWords, byCheck(`(?i)((?:passw(?:or)?d|passphrase|pwd|api[ _-]?key|access[ _-]?key|`+
		`private[ _-]?key|token|credentials?)`+
		`\s+(?:(?:is|was)\s+)?["']?)([^\s"'=:,;()<>]+)`, func(_, v string) bool { return looksSecret(v, 6) })},
	{zhWords, byCheck(`((?:密码|口令|密钥|令牌|私钥)\s*(?:是|为)?\s*["'“]?)([!-~]+)`,
		func(_, v string) bool { return looksSecret(v, 4) && !strings.ContainsAny(v[:1], "=:") })},
	// The clients of MySQL and MariaDB.
	{[]string{"-p"}, byExpr(`((?i:mysql|mariadb|mydumper|myloader|xtrabackup|sshpass)`+
		`[^;&|\n]*?[\s"',]-p)`+shellValue, "${1}"+Mask)},
	{[]string{"identified"},
		byCheck(`(?i)(\bidentified\s+(?:(?:with|via)\s+\S+\s+)?(?:by|as|using)\s+(?:password\s+)?)`+
			sqlText, notStarred)},
	{[]string{"password"}, byCheck(`(?i)(\b(?:old_)?password\s*\(\s*)`+sqlText, notStarred)},
	{[]string{"password"}, byCheck(`(?i)(\bset\s+password\s+(?:for\s+\S+\s*)?(?:=|to)\s*)`+sqlText, notStarred)},
	{[]string{"</"}, maskElements},
	{[]string{"eyj"}, byExpr(`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+`, Mask)},
	{[]string{"private key-"}, byExpr(`(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?:[^-]|-[^-])+`, "${1}"+Mask)},
	// Addresses that are secrets themselves: of Slack, Discord, Feishu, Teams, Telegram.
	{[]string{"://"}, byExpr(`(?i)(://(?:hooks\.slack\.com|discord(?:app)?\.com/api|[\w.-]*\.?webhook\.office\.com|`+
		`open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot(?:/v\d)?|hooks?\.[\w.-]+)/`+
		`(?:services|workflows|triggers|webhooks?|webhookb2|hooks?)/)[^\s'"?<>&]+`, "${1}"+Mask)},
	{[]string{"api.telegram.org"}, byExpr(`(?i)(://api\.telegram\.org/bot)[^\s/'"]+`, "${1}"+Mask)},
	{[]string{"hc-ping.com"}, byExpr(`(?i)(://hc-ping\.com/)[^\s/'"]+`, "${1}"+Mask)},
	// WeCom's address has a key, DingTalk's a signature.
	{[]string{"qyapi.weixin."}, byExpr(`(?i)(://qyapi\.weixin\.[^\s'"]*[?&]key=)[^\s&'"]+`, "${1}"+Mask)},
	{[]string{"sign=", "sk="}, byCheck(`(?i)([?&](?:sign|sk)=)([^\s&'"]+)`,
		func(_, v string) bool { return len(v) >= 8 })},
	{[]string{"key="}, byCheck(`(?i)([?&]key=)([^\s&'"]+)`, func(_, v string) bool { return looksSecret(v, 16) })},
	{shapeWords, byExpr(tokenShapes, Mask)},
}

// tokenShapes are the tokens of well-known services.
const tokenShapes = `\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|xox[abprs]-[\w-]{10,}|` +
	`sk-[\w-]{20,}|AKIA[0-9A-Z]{12,}|LTAI\w{12,})`

// notStarred leaves what is masked already in another way.
func notStarred(_, value string) bool { return strings.Trim(value, `'"*`) != "" }

var element = pattern.New(`<([\w:.-]+)(?:\s[^<>]*)?>(<!\[CDATA\[.*?\]\]>|[^<]+)</`)

// maskElements masks the text of XML elements that hold secrets.
func maskElements(s string) string {
	var out strings.Builder
	done := 0
	for _, m := range element.FindAllStringSubmatchIndex(s, -1) {
		if SecretName(s[m[2]:m[3]]) {
			out.WriteString(s[done:m[4]])
			out.WriteString(Mask)
			done = m[5]
		}
	}
	return out.String() + s[done:]
}

// May tells whether a text, in small letters, may have a secret: where not, Text changes
// nothing.
func May(small string) bool {
	for i := 1; i < len(small); i++ {
		for _, w := range starts.words[starts.list[small[i-1]][small[i]]] {
			if strings.HasPrefix(small[i-1:], w) {
				return true
			}
		}
	}
	return false
}

// starts are the words of all rules by their first two bytes: list has the place in words.
var starts = func() (s struct {
	list  [256][256]uint8
	words [][]string
}) {
	s.words = [][]string{nil}
	for _, r := range rules {
		for _, w := range r.words {
			at := &s.list[w[0]][w[1]]
			if *at == 0 {
				*at = uint8(len(s.words))
				s.words = append(s.words, nil)
			}
			s.words[*at] = append(s.words[*at], w)
		}
	}
	return s
}()
