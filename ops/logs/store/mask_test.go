package store

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	logline "opsdeck/ops/logs/line"
)

func TestAMaskedEventHoldsNoSecret(t *testing.T) {
	p := logline.NewParser(time.UTC, testNow)
	for _, line := range []string{
		`{"timestamp":"2026-01-29T12:00:00Z","level":"INFO","message":"login password=hunter2 ok","password":"hunter2","metadata":{"user":{"token":"hunter2"},"phone":"13812345678"},"idCard":"110101199003074233"}`,
		`{"timestamp":"2026-01-29T12:00:00Z","message":"body","body":"{\"password\":\"hunter2\",\"mobile\": 13812345678}"}`,
		`time=2026-01-29T12:00:00Z level=info msg="x" password=hunter2 api_key="hunter2" phone=13812345678`,
		"[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [Http] Authorization: Bearer hunter2 Cookie: sid=hunter2; " +
			"a=hunter2",
		"2026-01-29T12:00:00Z INFO connect mysql://root:hunter2@db:3306/x for 110101199003074233",
	} {
		e, _ := p.Parse([]byte(line))
		e.Raw = line
		logline.MaskEvent(&e)
		all := e.Raw + "\n" + e.Message
		for _, f := range e.Fields {
			all += "\n" + f.Key + "=" + f.Value
			if f.JSON && !json.Valid([]byte(f.Value)) {
				t.Errorf("%s is no JSON any more: %s", f.Key, f.Value)
			}
		}
		for _, secret := range []string{"hunter2", "13812345678", "19900307"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s stays in\n%s", secret, all)
			}
		}
	}
}

// TestNoNumberIsLeftOutOfMasking: what is looked for first is only to save time.
func TestNoNumberIsLeftOutOfMasking(t *testing.T) {
	pieces := []string{
		"13812345678",
		"138-1234-5678",
		"+86 ",
		"86",
		"-",
		" ",
		"1",
		"9",
		"110101199003074",
		"110101199003071234",
		"19900307123X",
		"x",
		"/",
		`"phone": "`,
		`"ID_card":"`,
		`"Mobile2":"`,
		`"`,
		"客户",
		".",
		"2026-01-29 12:00:00",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		in := ""
		for range r.IntN(8) {
			in += pieces[r.IntN(len(pieces))]
		}
		want := in
		for _, p := range logline.Personal {
			want = p.Re.ReplaceAllString(p.Re.ReplaceAllString(want, p.With), p.With)
		}
		if got := logline.Mask(in); got != want {
			t.Fatalf("Mask(%q) = %q, by all rules %q", in, got, want)
		}
	}
}
