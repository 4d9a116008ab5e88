package redact

import (
	"strings"
	"testing"
)

// secrets are lines as programs, shells and servers write them; S3cretX9 is the secret.
var secrets = []string{
	`{"password":"S3cretX9","user":"x"}`,
	`{"dbPassword":"S3cretX9","jwt_secret":"S3cretX9"}`,
	`{"password": 12S3cretX9}`,
	`{"x-api-key":["S3cretX9"]}`,
	`{"Authorization":"Bearer S3cretX9"}`,
	`{"authorization":"Basic S3cretX9=="}`,
	`{"cookie":"sid=S3cretX9; b=S3cretX9"}`,
	`{\"password\":\"S3cretX9\"}`,
	`{\\\"password\\\":\\\"S3cretX9\\\"}`,
	`"{\"password\":\"a\\\"S3cretX9\"}"`,
	`{"password":"cut S3cretX9`,
	`{ password: 'S3cretX9', nested: { secret: "S3cretX9" } }`,
	"CREATE USER x IDENTIFIED BY 'S3cretX9'",
	"CREATE USER x IDENTIFIED BY 'a''S3cretX9'",
	"CREATE USER x IDENTIFIED BY 'cut S3cretX9",
	`ALTER USER x IDENTIFIED WITH mysql_native_password BY "S3cretX9"`,
	"ALTER USER x IDENTIFIED VIA ed25519 USING PASSWORD('S3cretX9')",
	"SET PASSWORD FOR x = PASSWORD('S3cretX9')",
	"SET PASSWORD FOR 'x'@'%' = 'S3cretX9'",
	"SET PASSWORD = 'S3cretX9'",
	"UPDATE user SET p = OLD_PASSWORD( 'S3cretX9' )",
	"CHANGE MASTER TO MASTER_PASSWORD='S3cretX9', MASTER_PORT=1",
	"mysql -uroot -pS3cretX9 shop",
	"mysql -u root -p'S3cretX9 two' shop",
	"/usr/bin/mariadb-dump --single-transaction -pS3cretX9 shop | gzip",
	"mysqldump --password=S3cretX9 shop",
	"spawn [ 'mysql', '-uroot', '-pS3cretX9' ]",
	"tool --password S3cretX9 --force",
	"tool --password hunter --token S3cretX9",
	"MYSQL_PWD=S3cretX9 AWS_SECRET_ACCESS_KEY=S3cretX9",
	"X-Api-Key: S3cretX9",
	"x-auth-token: S3cretX9",
	"X-Hub-Signature: sha256=S3cretX9",
	"Cookie: session=S3cretX9; sid=S3cretX9",
	"Authorization: Bearer S3cretX9",
	"Authorization: Basic S3cretX9=",
	"Authorization: S3cretX9",
	"authorization=Digest S3cretX9",
	`Authorization: Digest username="x", realm="y", response="S3cretX9", nc=1`,
	"Proxy-Authorization: Token S3cretX9",
	"sent Bearer S3cretX9 to the peer",
	"private_key=S3cretX9 client_secret: S3cretX9",
	"sig=S3cretX9", "signature=S3cretX9", "pass=S3cretX9", "DB_PASS=S3cretX9", "userPass: S3cretX9",
	"passphrase=S3cretX9", "passwd: S3cretX9", "oldPwd=S3cretX9", "newPassword => S3cretX9",
	"api-key=S3cretX9", "apikey S3cretX9", "API_KEY: S3cretX9", "access.key=S3cretX9", "signing_key=S3cretX9",
	"refresh_token=S3cretX9", "accessKeySecret=S3cretX9", "password2=S3cretX9", "credential S3cretX9",
	"passwd S3cretX9", "the password is S3cretX9", "secret  =  S3cretX9", "form[password]=S3cretX9",
	"<password>S3cretX9</password>",
	`<soap:Password Type="text">S3cretX9</soap:Password>`,
	"<api-key><![CDATA[S3cretX9]]></api-key>",
	`<db password="S3cretX9"/>`,
	"%22password%22%3A%22S3cretX9%22%7D",
	"%7Bpassword%3DS3cretX9%26x%3D1",
	"q=%26pass%3dS3cretX9",
	"密码：S3cretX9", "密码=S3cretX9", "口令: S3cretX9", "密钥＝S3cretX9", "令牌：“S3cretX9”", "用户密码：S3cretX9，请重试",
	"密码是S3cretX9", "新密码为 S3cretX9",
	"https://hooks.slack.com/services/T000/B000/S3cretX9",
	"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=S3cretX9",
	"https://open.feishu.cn/open-apis/bot/v2/hook/S3cretX9",
	"https://open.larksuite.com/open-apis/bot/v2/hook/S3cretX9",
	"https://oapi.dingtalk.com/robot/send?access_token=S3cretX9&timestamp=1&sign=S3cretX9",
	"https://discord.com/api/webhooks/1/S3cretX9",
	"https://api.telegram.org/bot1:S3cretX9/send",
	"GET /login?user=a&password=S3cretX9&next=/",
	"redis://:S3cretX9@10.0.0.1:6379", "amqp://u:S3cretX9@h/", "mysql://root:p@S3cretX9@db/x",
	"root:S3cretX9@tcp(127.0.0.1:3306)/x", "root:a:b@S3cretX9@unix(/run/x)/x",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTRUNSRVQxNiJ9.S3cretX9S3cretX9",
	"-----BEGIN RSA PRIVATE KEY-----\nS3cretX9\n-----END RSA PRIVATE KEY-----",
	"ghp_S3cretX9S3cretX9S3cretX9", "xoxb-1-S3cretX9S3cretX9",
}

// plains are lines in which nothing is secret, though they have the words.
var plains = []string{
	"Access denied for user 'shop'@'localhost' (using password: YES)",
	"key=123", "key: user:42", "primary key", "PRIMARY KEY (`id`)", "sort_key=name", "cache_key=a:1 hit",
	"routing-key: orders",
	"Duplicate entry '1' for key 'users.PRIMARY'", "foreign_key_checks=0", "public_key=abc", "idempotency-key: 8f2a",
	"keyboard=qwerty monkey: 1", "KEY_BLOCK_SIZE=8",
	"passed 12 tests", "Tests passed: 12, failed: 0", "pass: 5 fail: 2", "pass=5", "bypass=on", "compass: north",
	"passenger=Li",
	"signal=9", "sig=9", "signed: yes", "design=new", "assigned: 4", "exit signal: SIGTERM",
	"tokens=512", "max_tokens: 2048", "token_count=5", "the token was wrong", "Unexpected token in JSON at position 0",
	"password is required", "password: null", "the password must have 12 characters", "password_changed_at=2026-01-01",
	"secretary=Wang", "password_resets 3 rows", "SELECT * FROM access_tokens WHERE id = 4",
	"a warning: using --password on the command line can be insecure",
	"UPDATE users SET password_reset = 1", "INSERT INTO tokens VALUES (1)", "the table api_keys has 12 rows",
	"bearer of news", "Bearer token is missing", "authorization: denied", "authorization failed for user 42",
	"密码错误", "请输入密码", "密码不能为空", "密钥已过期", "客户 信用额度不足",
	"ssh -p 22 host", "mysql -u root -h db shop", "mysql -P3306 shop", "mkdir -p dist/x",
	"mysqld ready for connections",
	"http://127.0.0.1:3000/health?a=b", "https://shop.example/services/list", "GET /x?key=name&page=2",
	"GET /cart?code=SPRING24", "user@example.com wrote: hi", "git@github.com:a/b.git", "http://u@host/x",
	"<key>name</key>", "<passed>12</passed>", "%22name%22%3A%22x%22", "a = b == c", "10:02:03 INFO [auth] ok",
	"risk-assessment-of-the-quarter-2026", "-----BEGIN CERTIFICATE-----",
}

func TestTableOfSecrets(t *testing.T) {
	for _, in := range secrets {
		got := Text("2026-11-30T01:00:00Z ERROR " + in)
		if strings.Contains(got, "S3cretX9") || strings.Contains(got, "hunter") || !strings.Contains(got, Mask) {
			t.Errorf("Text(%q)\n   = %q", in, got)
		}
		if again := Text(got); again != got {
			t.Errorf("masked twice: %q\n   then %q", got, again)
		}
		if !May(Small(in)) {
			t.Errorf("May(%q) is false", in)
		}
	}
	for _, in := range plains {
		if got := Text(in); got != in {
			t.Errorf("Text(%q)\n   = %q", in, got)
		}
	}
	t.Logf("%d with secrets, %d without", len(secrets), len(plains))
}

// TestOnlyTheSecretIsMasked: what is beside it stays for the reader.
func TestOnlyTheSecretIsMasked(t *testing.T) {
	for in, want := range map[string]string{
		`{"password":"a\"b","user":"x"}`:                        `{"password":"M","user":"x"}`,
		`{"password":12.5e3,"n":4}`:                             `{"password":"M","n":4}`,
		`{\"token\":\"a\\\"b\",\"n\":4}`:                        `{\"token\":\"M\",\"n\":4}`,
		"mysql -uroot -pa1 shop < x":                            "mysql -uroot -pM shop < x",
		"X-Api-Key: abc status=200":                             "X-Api-Key: M status=200",
		"authorization=Digest abc status=200":                   "authorization=Digest M status=200",
		"<pass>a</pass><n>4</n>":                                "<pass>M</pass><n>4</n>",
		"%22pass%22%3A%22a%22%2C%22n%22%3A4":                    "%22pass%22%3A%22M%22%2C%22n%22%3A4",
		"密码：abc，用户：li":                                          "密码：M，用户：li",
		"SET PASSWORD FOR x = PASSWORD('a'); FLUSH TABLES":      "SET PASSWORD FOR x = PASSWORD(M); FLUSH TABLES",
		"https://qyapi.weixin.qq.com/cgi-bin/x?key=a-b&debug=1": "https://qyapi.weixin.qq.com/cgi-bin/x?key=M&debug=1",
		"url=http://x/?password=a&b=2 pwd=c":                    "url=http://x/?password=M&b=2 pwd=M",
		"secret=a=b token=c":                                    "secret=M token=M",
	} {
		if got := strings.ReplaceAll(Text(in), Mask, "M"); got != want {
			t.Errorf("Text(%q)\n%q, want\n%q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range append(secrets, plains...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !May(Small(s)) && got != s {
			t.Fatalf("May is false, but Text(%q) = %q", s, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{
		"plain": "2026-11-30T01:00:00Z INFO [orders] GET /orders/1 200 took 12ms for user 42 from 10.0.0.1",
		"json":  `{"level":30,"time":1764460800000,"key":"orders:42","msg":"order stored","customer":{"id":42,"name":"Li"},"ms":12}`,
		"named": "2026-11-30T01:00:00Z INFO login password=abc token=def from https://u:p@host/x status=200",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Text(s)
			}
		})
	}
}
