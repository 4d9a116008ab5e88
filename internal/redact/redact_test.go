package redact

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSecretsAreMasked(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, in := range []string{
		"mysql://root:" + secret + "@db/x", "root:" + secret + "@tcp(127.0.0.1:3306)/x",
		"password=" + secret + " host=x",
		`{"password":"` + secret + `","a":1}`, "Authorization: Bearer " + secret, "Cookie: sid=" + secret,
		"DB_PASSWORD='" + secret + "'", "CREATE USER a IDENTIFIED BY '" + secret + "'",
		`{"accessToken": "` + secret + `"}`,
		"JWT_SECRET: " + secret, "https://oapi.example/send?access_token=" + secret,
	} {
		if got := Text(in); strings.Contains(got, secret) || !strings.Contains(got, Mask) {
			t.Errorf("Text(%q) = %q", in, got)
		}
	}
}

func TestOrdinaryTextStays(t *testing.T) {
	for _, s := range []string{"customer 42 paid 17:30@noon", "GET /orders/1 200 took 12ms", "客户 信用额度不足",
		"the token was wrong"} {
		if got := Text(s); got != s {
			t.Errorf("Text(%q) = %q", s, got)
		}
	}
}

// TestNoRuleIsLeftOutWhereItWouldMask: the words that are looked for first are only
// to save time.
func TestNoRuleIsLeftOutWhereItWouldMask(t *testing.T) {
	pieces := []string{
		"password",
		"PASSWD",
		"paſſword",
		"pwd",
		"Secret",
		"apiKey",
		"api_\u212aey",
		"private_key",
		"token",
		`"`,
		`\"`,
		`"a":"`,
		`\\`,
		"=",
		": ",
		":",
		"'",
		" ",
		"x",
		"hunter2",
		"://",
		"u:",
		"@tcp(",
		"@h",
		"Authorization: Bearer ",
		"basic ",
		"Set-Cookie: ",
		"coo\u212aie:",
		"IDENTIFIED BY ",
		"identified with y as ",
		"eyJabcdefghij.abcdefghij.k",
		"客户",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		in := ""
		for range r.IntN(9) {
			in += pieces[r.IntN(len(pieces))]
		}
		want := in
		may := false
		for _, rule := range rules {
			want = rule.mask(want)
			may = may || HasAny(Small(in), rule.words...)
		}
		if May(Small(in)) != may {
			t.Fatalf("May(%q) = %t", in, !may)
		}
		if got := Text(in); got != want {
			t.Fatalf("Text(%q) = %q, by all rules %q", in, got, want)
		}
	}
}

// TestWhetherAPasswordWasSentIsNoSecret: error 1045 ends with it, and it may be the cause.
func TestWhetherAPasswordWasSentIsNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"Access denied for user 'shop'@'localhost' (using password: YES)": "",
		"Access denied for user 'shop'@'localhost' (using password: NO)":  "",
		"ER_ACCESS_DENIED_ERROR (using password: YES) password=geheim":    "ER_ACCESS_DENIED_ERROR (using password: YES) password=" + Mask,
		"using password: geheim":           "using password: " + Mask,
		"(using password: YES geheim)":     "(using password: " + Mask + " geheim)",
		"Cookie: (using password: YES); s": "Cookie: " + Mask,
	} {
		if want == "" {
			want = text
		}
		if got := Text(text); got != want {
			t.Errorf("%q:\n%q, want\n%q", text, got, want)
		}
	}
}
