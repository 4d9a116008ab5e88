package binarchive

import (
	"errors"
	"fmt"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// TestThatTheLogIsOffIsSaidInTheLanguage holds that the reason under a sentence is in
// its language, and that the reason takes the place of no sentence.
func TestThatTheLogIsOffIsSaidInTheLanguage(t *testing.T) {
	if got := lang.Chinese().Msg(lang.M("%s", ErrLogOff)); got != "服务器未开启 binlog（log_bin）" {
		t.Errorf("it reads %q", got)
	}
	if got := ErrLogOff.Error(); got != "the server's binlog is off (log_bin)" {
		t.Errorf("it reads %q", got)
	}
	wrapped := fmt.Errorf("follow: %w", ErrLogOff)
	var known *ops.Error
	if !errors.Is(wrapped, ErrLogOff) || errors.As(wrapped, &known) {
		t.Error("it is not known again, or passes for a sentence with a hint")
	}
}
