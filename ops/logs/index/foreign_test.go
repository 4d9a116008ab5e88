package index

import (
	"bytes"
	"testing"
)

func TestForeignBytesAreFoundAnywhere(t *testing.T) {
	word := []byte("\xb6\xa9\xb5\xa5")
	f := newForeign(word)
	for _, fill := range []string{"-", "\xb6", "\xb6\xa9", "\xff", "\xe8\xae\xa2\xe5\x8d\x95"} {
		for at := range 200 {
			text := bytes.Repeat([]byte(fill), 300)[:300]
			if f.in(text) {
				t.Fatalf("found in %q", fill)
			}
			copy(text[at:], word)
			if !f.in(text) || f.in(text[:at+len(word)-1]) || !f.in(text[at:at+len(word)]) {
				t.Fatalf("%q at %d", fill, at)
			}
		}
	}
	if newForeign(nil).in(word) {
		t.Error("nothing is found")
	}
}
