package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"opsdeck/internal/human"
)

// TestAListOfNamesIsReadAsItIsAdvised: a table's name may hold the comma that separates names.
func TestAListOfNamesIsReadAsItIsAdvised(t *testing.T) {
	names := []string{"orders", "a,b", `back\slash`}
	said := strings.Trim(human.ShellList(names), "'")
	var c restoreRunCmd
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"--accept-missing", said}); err != nil || !slices.Equal(c.AcceptMissing, names) {
		t.Errorf("%s is read as %q (%v)", said, c.AcceptMissing, err)
	}
}
