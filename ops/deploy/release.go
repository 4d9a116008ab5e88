package deploy

import (
	"path/filepath"
	"slices"
)

// Beside tells whether steps start the new release beside the one that runs. The code of
// each release then has a folder of its own.
func Beside(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Kind == KindStandby })
}

// Tree is the work tree of the plan's release: a folder of its own, with the plan's ID as
// its name. It is "" where the code is changed in place.
func (p *Plan) Tree() string {
	if p.Releases == "" {
		return ""
	}
	return filepath.Join(p.Releases, p.ID)
}

// Code is the folder that the plan's commands are run in: that of its release, or the
// work tree that is changed in place.
func (p *Plan) Code() string {
	if p.Releases == "" {
		return p.Dir
	}
	return filepath.Join(p.Tree(), p.Below)
}

// Current is the link to the work tree of the release that users get.
func Current(releases string) string { return filepath.Join(releases, "current") }
