package redact

import (
	"strings"
	"testing"
)

// TestSecretsOfCommandsAreMasked: each form in which an operator writes one into a step.
func TestSecretsOfCommandsAreMasked(t *testing.T) {
	const secret = "hunter2X9"
	for _, in := range []string{
		"git pull https://bot:" + secret + "@git.example/x.git",
		"git pull https://" + secret + "@git.example/x.git",
		"redis-cli -u redis://:" + secret + "@127.0.0.1/0 flushall",
		"mysql://root:p@" + secret + "@db/x",
		"TOKEN=" + secret + " npm install",
		"export DB_PASS='" + secret + "' && run",
		`DB_PASSWORD="two ` + secret + `" ./migrate`,
		`DB_PASSWORD=a"b ` + secret + `"'c' ./migrate`,
		"JWT_SECRET_KEY=" + secret + " node x",
		"env API-KEY=" + secret + " x",
		"mysql -uroot -p" + secret + " shop",
		"mysqldump --password=" + secret + " shop | gzip",
		"tool --password " + secret + " --force",
		"tool --auth-token=" + secret,
		"docker login -u bot -p " + secret + " hub",
		"sshpass -p " + secret + " ssh host",
		"sshpass -p" + secret + " ssh host",
		"redis-cli -a " + secret + " ping",
		"curl -u bot:" + secret + " http://x/",
		"curl --user bot:" + secret + " http://x/",
		`curl -H "Authorization: token ` + secret + `" http://x/`,
		`curl -H 'X-Api-Key: ` + secret + `' http://x/`,
		`curl -d '{"password": "` + secret + `"}' http://x/`,
		"curl 'https://chat.example/send?key=" + secret + "'",
		"curl https://hooks.chat.example/services/T0/B0/" + secret,
		"npm config set //registry.example/:_authToken=" + secret,
		"echo ghp_" + secret + "abcdefghijklmnop",
	} {
		if got := command(in); strings.Contains(got, secret) || !strings.Contains(got, Mask) {
			t.Errorf("Command(%q) = %q", in, got)
		}
	}
}

func TestOrdinaryCommandsStay(t *testing.T) {
	for _, s := range []string{
		"npm install", "npm run db:sync --if-present", "mkdir -p dist/x && cp -a a b", "pm2 restart shop",
		"mysql --defaults-file=/etc/x.cnf shop -e 'SELECT 1'", "git fetch ssh://git@host/x.git", "[ -f .env ]",
		"docker compose -f compose.yaml up -d", "tool --password-file=/run/pw", "docker login --password-stdin hub",
		"curl http://127.0.0.1:3000/health?a=b", "kill $(cat ../pid); while kill -0 1; do sleep 0.02; done",
		"ssh -p 22 host", "Tests passed: 12, failed: 0", "PORT=3001 pm2 start dist/main.js --name shop-3001",
	} {
		if got := command(s); got != s {
			t.Errorf("Command(%q) = %q", s, got)
		}
	}
}

func TestKnownSecretsAreMaskedInEveryForm(t *testing.T) {
	h := NewHider(append(OfURL("mysql://u:s%40lt+pepper@h/db"), "short", "shorter than this", "k1\nlineTwo", "abc",
		"千张密码"))
	got := h.Hide("a shorter than this, short; s@lt+pepper s%40lt+pepper lineTwo 千张密码 abc " +
		"%E5%8D%83%E5%BC%A0%E5%AF%86%E7%A0%81")
	if want := "a M, M; M M M M abc M"; strings.ReplaceAll(got, Mask, "M") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Hider{}).Hide("TOKEN=abcdef x"); strings.Contains(got, "abcdef") {
		t.Errorf("%q", got)
	}
	if got := OfURL("http://host/x@y"); got != nil {
		t.Errorf("%q", got)
	}
}
