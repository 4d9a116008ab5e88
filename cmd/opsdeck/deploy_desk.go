package main

import (
	"opsdeck/ops/site/deploys"
)

// chosenDesk is what deploying the chosen service needs.
func chosenDesk(a *app) (*deploys.Desk, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	return a.deployDesk(s)
}
