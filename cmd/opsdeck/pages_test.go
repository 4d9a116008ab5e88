package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/clock"
	"opsdeck/tui"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// testPages are the console's pages over a configuration of nothing that answers.
func testPages(t *testing.T) []page.Page {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	text := "services:\n  - name: shop\n    database: {name: shop, options_file: none.cnf, host: 127.0.0.1, port: " +
		"1}\n    backup: {dir: " + dir + "/b}\nstate_dir: " + dir + "/state\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := newApp(stdio{nil, io.Discard, io.Discard}, func(string) string { return "" }, &globals{ConfigFile: path})
	pages, err := a.pages(
		&page.Env{
			Ctx:   ctx,
			Lang:  a.lang,
			Theme: theme.New(theme.Options{NoColor: true}),
			Clock: a.clock,
			Zone:  time.UTC,
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		for _, p := range pages {
			if c, ok := p.(page.Closer); ok {
				c.Close()
			}
		}
	})
	return pages
}

// keyPage stands in for a page: its one action has a key.
type keyPage struct {
	page.Page
	key     string
	reached bool
}

func (p *keyPage) TakingText() bool { return false }

func (p *keyPage) Actions() []page.Action {
	return []page.Action{{Keys: []string{p.key}, Run: func() tea.Cmd { p.reached = true; return nil }}}
}

// consoleTakes tells whether a key does something of the console's, so that no page gets it.
func consoleTakes(pages []page.Page, key string) bool {
	front := &keyPage{Page: pages[0], key: key}
	env := &page.Env{Clock: clock.Real{}}
	c := tui.New(tui.Options{Env: env, Pages: append([]page.Page{front}, pages[1:]...)})
	c.Update(keyNamed(key))
	return !front.reached
}

// keyNamed is the message of a key's name: "enter", "ctrl+d", "alt+x", "D".
func keyNamed(name string) tea.KeyMsg {
	for kind := tea.KeyType(-128); kind < 128; kind++ {
		if k := (tea.KeyMsg{Type: kind}); kind != tea.KeyRunes && k.String() == name {
			return k
		}
	}
	bare := strings.TrimPrefix(name, "alt+")
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(bare), Alt: bare != name}
}

func TestPagesLeaveTheConsolesKeysAlone(t *testing.T) {
	pages := testPages(t)
	if len(pages) == 0 || !consoleTakes(pages, "q") || consoleTakes(pages, "enter") {
		t.Fatalf("%d pages; q or enter goes the wrong way", len(pages))
	}
	for _, p := range pages {
		taken := map[string]string{}
		for _, a := range p.Actions() {
			for _, k := range a.Keys {
				if consoleTakes(pages, k) {
					t.Errorf("%s: %s takes the console's key %q", p.ID(), a.ID, k)
				}
				if other, twice := taken[k]; twice {
					t.Errorf("%s: %s and %s both take %q", p.ID(), other, a.ID, k)
				}
				taken[k] = a.ID
			}
			if a.Help.Empty() || a.Run == nil {
				t.Errorf("%s: %s has no help or does nothing", p.ID(), a.ID)
			}
		}
	}
}

func TestEveryPageDrawsBeforeItKnowsAnything(t *testing.T) {
	for _, p := range testPages(t) {
		for _, size := range []page.Size{{Width: 1, Height: 1}, {Width: 10, Height: 2}, {Width: 40, Height: 7},
			{Width: 80, Height: 20}, {Width: 200, Height: 56}} {
			p.View(size) // must not panic
		}
	}
}
