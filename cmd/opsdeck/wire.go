package main

import (
	"opsdeck/tui/page"
)

// pages makes the console's tabs in their order. This file is the only place
// that turns configuration into services.
func (a *app) pages(env *page.Env) ([]page.Page, error) {
	s, err := a.consoleService()
	if err != nil {
		return nil, err
	}
	env.Service = s.Name
	var pages []page.Page
	return pages, nil
}
