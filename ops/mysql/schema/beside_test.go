package schema

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestANameBesideAnotherFitsAndStaysApart(t *testing.T) {
	if got := Beside("shop_audit_logs_2025", "_load"); got != "shop_audit_logs_2025_load" {
		t.Errorf("a name that fits is %q", got)
	}
	if got := Beside(strings.Repeat("x", 59), "_load"); got != strings.Repeat("x", 59)+"_load" {
		t.Errorf("64 characters are %q", got)
	}
	seen := map[string]string{}
	for _, base := range []string{
		strings.Repeat("x", 60), strings.Repeat("x", 61), strings.Repeat("x", 64) + "_audit_logs_2024",
		strings.Repeat("x", 64) + "_audit_logs_2025", strings.Repeat("库", 64), strings.Repeat("库", 63) + "表",
	} {
		got := Beside(base, "_load")
		if !fits(got) || utf8.RuneCountInString(got) < 45 || !strings.HasSuffix(got, "_load") ||
			!utf8.ValidString(got) {
			t.Errorf("%q has %d characters", got, utf8.RuneCountInString(got))
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%q and %q are both %q", other, base, got)
		}
		seen[got] = base
	}
}
