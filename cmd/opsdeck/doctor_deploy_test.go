package main

import (
	"encoding/json"
	"os/exec"
)

// doctor asks doctor for the point of unfinished deployments.
func (s *deploySite) doctor() (state, fix string) {
	s.t.Helper()
	out, err := exec.Command(s.bin, "--config", s.config, "--lang", "en", "doctor", "--json").Output()
	var doc doctorJSON
	if json.Unmarshal(out, &doc) != nil {
		s.t.Fatalf("doctor: %v %s", err, out)
	}
	for _, p := range doc.Points {
		if p.Name == "deployment" && len(p.Findings) > 0 {
			return p.State.String(), p.Findings[0].Fix
		}
		if p.Name == "deployment" {
			return p.State.String(), ""
		}
	}
	s.t.Errorf("doctor does not look at deployments: %s", out)
	return "", ""
}
