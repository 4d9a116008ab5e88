package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestARealBrowserShowsTheDescription opens /api-docs in Chromium: the page comes in the
// reader's language, whole, and the browser refuses nothing of it.
func TestARealBrowserShowsTheDescription(t *testing.T) {
	t.Parallel()
	browser := testdb.Browser(t)
	base, _ := served(t, configFile(t, "services:\n  - name: 千张\n    process: {kind: none}\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--accept-lang=zh-CN", "--enable-logging=stderr", "--dump-dom",
		base+"/api-docs")
	cmd.WaitDelay = 10 * time.Second
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	page := string(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	for _, want := range []string{`lang="zh"`, "千张", "<code>/health/ready</code>", "<code>/metrics</code>", "</html>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
	if strings.Contains(said.String(), "Refused to") || strings.Contains(said.String(), "CONSOLE") {
		t.Errorf("the browser refused a part: %s", said.String())
	}
	code, _ := get(t, base+"/api-docs")
	if code != 200 {
		t.Errorf("the server after it: %d", code)
	}
}
