package redact

import (
	"strings"
	"testing"
)

func TestSecretsAreMasked(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, in := range []string{
		"mysql://root:" + secret + "@db/x", "root:" + secret + "@tcp(127.0.0.1:3306)/x", "password=" + secret + " host=x",
		`{"password":"` + secret + `","a":1}`, "Authorization: Bearer " + secret, "Cookie: sid=" + secret,
		"DB_PASSWORD='" + secret + "'", "CREATE USER a IDENTIFIED BY '" + secret + "'", `{"accessToken": "` + secret + `"}`,
		"JWT_SECRET: " + secret, "https://oapi.example/send?access_token=" + secret,
	} {
		if got := Text(in); strings.Contains(got, secret) || !strings.Contains(got, Mask) {
			t.Errorf("Text(%q) = %q", in, got)
		}
	}
}

func TestOrdinaryTextStays(t *testing.T) {
	for _, s := range []string{"customer 42 paid 17:30@noon", "GET /orders/1 200 took 12ms", "客户 信用额度不足", "the token was wrong"} {
		if got := Text(s); got != s {
			t.Errorf("Text(%q) = %q", s, got)
		}
	}
}
