package human

import (
	"errors"
	"testing"
)

func TestOneLineSaysEachErrorOnce(t *testing.T) {
	once := errors.New("the copy rs cannot be reached")
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"one", "one"},
		{errors.Join(once, once).Error(), "the copy rs cannot be reached"},
		{errors.Join(once, errors.New("no room\r\n"), once).Error(), "the copy rs cannot be reached; no room"},
	} {
		if got := OneLine(c.text); got != c.want {
			t.Errorf("%q: %q, not %q", c.text, got, c.want)
		}
	}
}
