package pattern

import (
	"sync"
	"testing"

	_ "opsdeck/internal/testenv"
)

// TestAPatternIsCompiledOnce, by whoever uses it first, and is then as the expression is.
func TestAPatternIsCompiledOnce(t *testing.T) {
	p := New(`(\w+)=(\d+)`)
	if p.expr != nil {
		t.Error("it was compiled before it was used")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if m := p.FindStringSubmatch("a b=12"); len(m) != 3 || m[2] != "12" {
				t.Errorf("found %q", m)
			}
		})
	}
	all.Wait()
	if first := p.Regexp(); first != p.Regexp() || !p.MatchString("x=1") || p.MatchString("x=y") {
		t.Error("it is not what its text says")
	}
	defer func() {
		if recover() == nil {
			t.Error("an invalid expression was taken")
		}
	}()
	New(`(`).MatchString("")
}
