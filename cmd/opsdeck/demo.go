package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
)

// demoSocket is the environment variable by which the embedded world tells the
// console that it is one, and where to plant faults.
const demoSocket = "OPSDECK_DEMO_SOCKET"

// demoActions are the faults that the embedded world can plant, for the palette.
func demoActions(a *app, env *page.Env) []page.Action {
	socket := a.getenv(demoSocket)
	if socket == "" {
		return nil
	}
	fault := func(name string, help lang.Msg) page.Action {
		return page.Action{ID: "demo." + name, Help: help, Run: func() tea.Cmd {
			ctx := env.Ctx
			return func() tea.Msg { return plant(ctx, socket, name) }
		}}
	}
	return []page.Action{
		fault("db-down", lang.M("demo: stop the database")),
		fault("slow", lang.M("demo: make the service slow")),
		fault("app-crash", lang.M("demo: crash the back end")),
		fault("disk-full", lang.M("demo: fill the disk")),
		fault("db-damaged", lang.M("demo: damage the database")),
		fault("heal", lang.M("demo: repair everything")),
	}
}

func plant(ctx context.Context, socket, name string) tea.Msg {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://demo/fault/"+name, nil)
	if err != nil {
		return page.Notice{State: ops.StateWarning, Text: lang.Raw(err.Error())}
	}
	resp, err := client.Do(req)
	if err != nil {
		return page.Notice{State: ops.StateWarning, Text: lang.M("the demo does not respond: %s", err.Error())}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return page.Notice{State: ops.StateWarning, Text: lang.Raw(strings.TrimSpace(string(text)))}
	}
	return page.Notice{State: ops.StateOK, Text: lang.M("demo: %s", name)}
}
