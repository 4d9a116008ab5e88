package probe

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestACriticalLineWithoutAKnownCauseIsItsOwnCause: the line is quoted, not the words
// "critical error" again.
func TestACriticalLineWithoutAKnownCauseIsItsOwnCause(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app-error.log")
	now := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	text := `{"context":"BankGateway","error":{"message":"timeout of 5000ms exceeded"},"level":"ERROR",` +
		`"message":"External API call failed: https://b/pay","timestamp":"2026-01-29T11:59:00Z"}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
	look := Logs{Patterns: []string{path}, Now: func() time.Time { return now }}
	r := look.Probe()(context.Background())
	const want = "[BankGateway] External API call failed: https://b/pay: timeout of 5000ms exceeded, in app-error.log"
	if got := r.Headline.String(); got != want || !r.Why.Empty() {
		t.Errorf("%q (%s), want %q", got, r.Why.String(), want)
	}
	if detail := r.Detail.String(); !strings.HasSuffix(detail, ": "+want) {
		t.Errorf("detail %q", detail)
	}
}
