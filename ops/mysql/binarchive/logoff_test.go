package binarchive

import (
	"errors"
	"fmt"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// TestThatTheLogIsOffIsSaidInTheLanguage checks that the reason below a sentence is in the
// same language, and does not replace the sentence.
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
