package deploy

import (
	"time"

	"opsdeck/internal/lang"
)

// Choice is a plan that can be made.
type Choice struct {
	Name  string
	Pulls bool // it takes a revision
}

// Sheet is a plan as it is shown. What runs is what has its hash.
type Sheet struct {
	Name     string
	Revision string // as it was asked for; "" is the branch that is checked out
	Hash     string
	Lines    []string
	Effect   lang.Msg // what it does to the service that runs
}

// Course is how a deployment is getting on.
type Course struct {
	Deployment *Deployment     // nil: nothing was ever deployed
	Running    bool            // a process is at work on it
	Result     lang.Msg        // how it ended
	Report     string          // path
	Usual      []time.Duration // of each step, from past runs: an estimate; 0 is not known
}

// Open tells that the deployment has to end before another can begin.
func (c Course) Open() bool {
	d := c.Deployment
	return d != nil && (d.State.Result == "" || d.State.Result == ResultStuck)
}
