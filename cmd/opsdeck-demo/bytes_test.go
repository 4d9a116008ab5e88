package main

import (
	"slices"
	"testing"
	"time"
)

// written is how much the console has sent to its terminal.
func (c *console) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.Len()
}

// cost is how many bytes a key brings, until the terminal is quiet for a moment. What a
// slow machine writes later than that counts for the next key.
func (c *console) cost(key string) int {
	before := c.written()
	c.press(key)
	last := before
	for quiet, i := 0, 0; quiet < 3 && i < 60; i++ {
		time.Sleep(20 * time.Millisecond)
		if n := c.written(); n != last {
			last = n
			quiet = 0
		} else if last != before || i > 40 {
			quiet++
		}
	}
	return last - before
}

// ownCost is the second lowest cost of the keys: a look at the world that ends meanwhile
// adds its own rows to some of them.
func (c *console) ownCost(keys ...string) int {
	var costs []int
	for _, key := range keys {
		costs = append(costs, c.cost(key))
	}
	slices.Sort(costs)
	return costs[1]
}

// What a key may cost: a line of 2 kB/s carries a step in a list in 0.3 s, and a typed
// letter in a second.
const (
	step   = 600
	letter = 2000
)

func TestKeysCostFewBytes(t *testing.T) {
	r := bringUp(t)
	c := openConsole(t, r, 80, 24)
	c.sees("qianzhang", "mysql")
	steps := []string{"j", "j", "k", "j", "k", "j", "k"}
	for _, tab := range consoleTabs {
		if tab.name == "Logs" {
			continue
		}
		c.press(c.tab(tab.name))
		c.sees(tab.words[0])
		if tab.name == "Restore" { // its list is the steps of a plan, which takes a look at the server
			c.sees("1 Assess", "7 Notify")
		}
		n := c.ownCost(steps...)
		t.Logf("%s: %d bytes a step", tab.name, n)
		if n == 0 {
			t.Errorf("%s: a step draws nothing: there was no list", tab.name)
		}
		if n > step {
			t.Errorf("%s: a step costs %d bytes, want %d at most", tab.name, n, step)
		}
	}
	c.press(c.tab("Logs"))
	c.sees("following")
	c.press("f") // the world's own lines are not what a key costs
	c.sees("paused")
	if n := c.ownCost("k", "k", "j", "k", "j", "k", "j"); n > step {
		t.Errorf("Logs: a step costs %d bytes, want %d at most", n, step)
	}
	c.press("/")
	if n := c.ownCost("t", "i", "m", "e", "o"); n > letter {
		t.Errorf("a letter of the query costs %d bytes, want %d at most", n, letter)
	}
	c.press(escape)
	c.gone("timeo")
	c.overlaysCostFewBytes()
}

// overlaysCostFewBytes: a line further in the help, in what a row opens, and in the palette
// costs no more than a step in a list; a letter typed in the palette, no more than in a query.
func (c *console) overlaysCostFewBytes() {
	c.t.Helper()
	const down, up = "\x1b[B", "\x1b[A"
	lines := []string{down, down, up, down, up, down, up}
	for _, over := range []struct{ tab, key, shows string }{
		{"Status", "?", "Help"},
		{"Status", ":", "Palette"},
		{"Status", enter, "Limits"},
		{"Audit", enter, "request_body"},
	} {
		c.press(c.tab(over.tab))
		c.sees("q quit") // the footer of the page itself
		c.press("g", over.key)
		c.sees(over.shows)
		n := c.ownCost(lines...)
		c.t.Logf("%s of %s: %d bytes a line", over.shows, over.tab, n)
		if n == 0 {
			c.t.Errorf("%s of %s: a step draws nothing", over.shows, over.tab)
		}
		if n > step {
			c.t.Errorf("%s of %s: a step costs %d bytes, want %d at most", over.shows, over.tab, n, step)
		}
		if over.key == ":" {
			n = c.ownCost("s", "t", "o", "p")
			c.t.Logf("palette: %d bytes a letter", n)
			if n > letter {
				c.t.Errorf("a letter in the palette costs %d bytes, want %d at most", n, letter)
			}
		}
		c.press(escape)
		c.gone(over.shows)
	}
}
