package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
)

func TestEveryCommandOfARunbookIsOneOfOurs(t *testing.T) {
	service := config.DefaultService()
	p := place{service: service, database: "db", dir: "/b", client: "mysql"}
	count := 0
	for _, r := range runbooks {
		for _, s := range r.steps(p) {
			for _, line := range s.commands {
				words := strings.Fields(line)
				if words[0] != "opsdeck" {
					continue
				}
				count++
				var c cli
				a := &app{
					ctx:    context.Background(),
					stdio:  stdio{out: io.Discard, err: io.Discard},
					getenv: os.Getenv,
					clock:  clock.Real{},
					lang:   lang.English(),
					flags:  &c.globals,
				}
				parser, err := newParser(&c, a, func(int) {})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := parser.Parse(words[1:]); err != nil {
					t.Errorf("runbook %s: %s: %v", r.name, line, err)
				}
			}
		}
	}
	if count < 20 {
		t.Fatalf("only %d commands were looked at", count)
	}
}
