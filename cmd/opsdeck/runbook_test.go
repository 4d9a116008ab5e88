package main

import (
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops/site/runbooks"
)

func TestEveryCommandOfARunbookIsOneOfOurs(t *testing.T) {
	t.Parallel()
	service := config.DefaultService()
	service.Database.Name = "db"
	service.Backup.Dir = "/b"
	p := runbooks.PlaceOf(service, "opsdeck")
	count := 0
	for _, r := range runbooks.All {
		for _, s := range r.Steps(p) {
			for _, line := range s.Commands {
				line, _, _ = strings.Cut(line, " > ")
				words := strings.Fields(line)
				if words[0] != "opsdeck" {
					continue
				}
				count++
				if err := parses(t, words[1:]); err != nil {
					t.Errorf("runbook %s: %s: %v", r.Name, line, err)
				}
			}
		}
	}
	if count < 20 {
		t.Fatalf("only %d commands were looked at", count)
	}
}
