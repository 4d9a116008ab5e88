package logfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestASteadyLogIsNotLookedAtForEachLine: while lines keep coming the file is looked at a few
// times a second; each line is told, and none twice.
func TestASteadyLogIsNotLookedAtForEachLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sink := &collect{t: t}
	looks := 0
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		Follow(ctx, []*Tail{NewTail(path, sink)}, &Globs{Steady: steadyLook}, func() { looks++ })
	}()
	const lines = 100
	for i := range lines {
		fmt.Fprintf(f, "line %d\n", i)
		time.Sleep(10 * time.Millisecond)
	}
	until(t, "all lines", func() bool { return sink.count() >= lines })
	most := int(time.Since(began)/pollEvery) + 3
	cancel()
	<-done
	if sink.count() != lines || looks > most {
		t.Errorf("%d lines told of %d in %d looks, want at most %d", sink.count(), lines, looks, most)
	}
}
