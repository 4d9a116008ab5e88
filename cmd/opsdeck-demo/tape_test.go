package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// action is a line of demo.tape.
type action struct {
	note  string // the comment above, with the first action after it
	keys  []string
	wait  *regexp.Regexp
	pause time.Duration
}

// breath is a pause that the program needs: a dialog ignores keys that come before it
// can be read. Longer ones are for whoever looks on.
const breath = time.Second

// afterEscape keeps a key apart from the escape before it: together they are Alt and a key.
const afterEscape = 200 * time.Millisecond

var tapeKeys = map[string]string{"Enter": enter, "Escape": escape, "Down": "\x1b[B", "Up": "\x1b[A"}

// readTape reads demo.tape: the command that it types first, and what it does in the
// program then.
func readTape(t *testing.T) (command string, actions []action) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "demo.tape"))
	if err != nil {
		t.Fatal(err)
	}
	note := ""
	for _, line := range strings.Split(string(text), "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		option, _, _ := strings.Cut(verb, "@")
		a := action{note: note}
		switch {
		case verb == "#":
			note = strings.TrimSpace(note + " " + rest)
			continue
		case line == "" || option == "Output" || option == "Set" || option == "Env":
			note = ""
			continue
		case option == "Type":
			words, err := strconv.Unquote(rest)
			if err != nil {
				t.Fatalf("demo.tape: %q: %v", line, err)
			}
			if command == "" {
				command = words
				continue
			}
			a.keys = strings.Split(words, "")
		case tapeKeys[option] != "":
			times := 1
			if rest != "" {
				times, err = strconv.Atoi(rest)
			}
			for range times {
				a.keys = append(a.keys, tapeKeys[option])
			}
		case option == "Wait+Screen":
			a.wait, err = regexp.Compile(strings.Trim(rest, "/"))
		case option == "Sleep":
			a.pause, err = time.ParseDuration(rest)
		default:
			t.Fatalf("demo.tape: %q is not understood", line)
		}
		if err != nil {
			t.Fatalf("demo.tape: %q: %v", line, err)
		}
		note = ""
		actions = append(actions, a)
	}
	return command, actions[1:] // after the Enter of the command
}

// play does what the tape does. before is told of each comment, before what follows it.
func (c *console) play(actions []action, before func(note string)) {
	c.t.Helper()
	for _, a := range actions {
		if a.note != "" {
			before(a.note)
		}
		if a.pause == breath {
			time.Sleep(a.pause)
		}
		c.press(a.keys...)
		if slices.Contains(a.keys, escape) {
			time.Sleep(afterEscape)
		}
		if a.wait != nil {
			c.awaits(a.wait)
		}
	}
}

// awaits waits until the screen shows what the tape waits for.
func (c *console) awaits(words *regexp.Regexp) {
	c.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !words.MatchString(c.text()); time.Sleep(20 * time.Millisecond) {
		select {
		case <-c.ended:
			c.t.Fatalf("the console ended before it showed %s:\n%s", words, c.text())
		default:
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the screen does not show %s:\n%s", words, c.text())
		}
	}
}
