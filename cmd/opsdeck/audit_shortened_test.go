package main

import (
	"strings"
	"testing"
)

// A list cuts a change of megabytes between two characters, and says how much is left out.
func TestALongChangeIsCutAndSaysSo(t *testing.T) {
	long := strings.Repeat("客户", 2_000)
	got := shortened(long)
	head, rest, _ := strings.Cut(got, "…")
	if len(head) != 4095 || !strings.HasPrefix(long, head) || rest != " +7.7 KiB" {
		t.Errorf("%d bytes, then %q", len(head), rest)
	}
	if short := strings.Repeat("x", maxChange); shortened(short) != short {
		t.Error("a change that fits was cut")
	}
}
