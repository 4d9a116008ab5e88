package daemon

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWatchIsTold: the check of watch is told at once and again; what fails is said
// once, and that it works again.
func TestWatchIsTold(t *testing.T) {
	beats := make(chan int)
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		if n == 2 || n == 3 {
			w.WriteHeader(http.StatusNotFound)
		}
		beats <- n
	}))
	defer srv.Close()
	url := filepath.Join(t.TempDir(), "ping")
	if err := os.WriteFile(url, []byte(srv.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	d := Daemon{Lang: lang.English(), Say: func(m lang.Msg) { said.WriteString(m.String() + "\n") }}
	one := config.Service{Pings: config.Pings{Watch: url}}
	stop := d.Beat(t.Context(), []config.Service{one, one, {}}, time.Millisecond)
	for i := range 5 {
		if got := <-beats; got != i+1 {
			t.Fatalf("beat %d", got)
		}
	}
	go func() {
		for range beats { // one may be on its way
		}
	}()
	stop()
	if got := said.String(); strings.Count(got, "failed") != 1 || strings.Count(got, "works again") != 1 {
		t.Errorf("said %q", got)
	}
}
