package main

import (
	"strings"
	"testing"

	"opsdeck/internal/config"
)

func TestEveryCommandOfARunbookIsOneOfOurs(t *testing.T) {
	t.Parallel()
	service := config.DefaultService()
	p := place{program: "opsdeck", service: service, database: "db", dir: "/b", client: "mysql"}
	count := 0
	for _, r := range runbooks {
		for _, s := range r.steps(p) {
			for _, line := range s.commands {
				line, _, _ = strings.Cut(line, " > ")
				words := strings.Fields(line)
				if words[0] != "opsdeck" {
					continue
				}
				count++
				if err := parses(t, words[1:]); err != nil {
					t.Errorf("runbook %s: %s: %v", r.name, line, err)
				}
			}
		}
	}
	if count < 20 {
		t.Fatalf("only %d commands were looked at", count)
	}
}
