package deploy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// PlanVersion is the format of plan.json.
const PlanVersion = 1

// Kind is what a step does.
type Kind string

// The kinds of steps. A step of KindCommand only runs its command.
const (
	KindBackup  Kind = "backup"  // a full backup of the database
	KindStop    Kind = "stop"    // the service
	KindPull    Kind = "pull"    // the code, to the plan's revision
	KindSync    Kind = "sync"    // the command that changes the database's tables, compared before and after
	KindStart   Kind = "start"   // the service
	KindReady   Kind = "ready"   // wait for /health/ready
	KindSmoke   Kind = "smoke"   // the smoke requests
	KindErrors  Kind = "errors"  // compare the errors in the logs with the hour before
	KindStandby Kind = "standby" // a second instance on the other port, until it is ready
	KindSwitch  Kind = "switch"  // nginx, to the instance of the standby step
	KindCommand Kind = "command" // of the configuration
)

// Step is one step of a plan.
type Step struct {
	Name    string        `json:"name"`
	Kind    Kind          `json:"kind"`
	Run     string        `json:"run,omitempty"`   // for sh -c, in the plan's folder
	Check   string        `json:"check,omitempty"` // exit code 0: the step needs nothing more
	Look    string        `json:"look,omitempty"`  // of kind sync: prints what Run would change, and changes nothing
	Undo    string        `json:"undo,omitempty"`
	Keep    []string      `json:"keep,omitempty"` // folders that Undo puts back, below the plan's folder
	Timeout time.Duration `json:"timeout"`        // nanoseconds
}

// Plan is what a deployment will do. What was shown and confirmed is what runs.
type Plan struct {
	FormatVersion int    `json:"format_version"`
	ID            string `json:"id"`
	Hash          string `json:"hash"`
	Name          string `json:"name"` // update, install, or one of the configuration
	Service       string `json:"service"`
	Dir           string `json:"dir"` // the code
	Remote        string `json:"remote,omitempty"`
	Revision      string `json:"revision,omitempty"` // as it was asked for
	From          string `json:"from,omitempty"`     // commit
	To            string `json:"to,omitempty"`       // commit
	Branch        string `json:"branch,omitempty"`   // checked out now; "" where none is
	// Releases is the folder that holds a folder for each release; "" where the code is
	// changed in place.
	Releases string `json:"releases,omitempty"`
	Below    string `json:"below,omitempty"`  // the code's folder below the work tree; "" is the work tree
	Former   string `json:"former,omitempty"` // the code's folder of the release that runs
	// Unshared are files and folders of the former release that git does not know and that
	// the new one will not have.
	Unshared []string `json:"unshared,omitempty"`
	// Local are commits of the running code, the newest first and at most ten, that were made on
	// this machine and that the new release does not have.
	Local     []string  `json:"local_commits,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Steps     []Step    `json:"steps"`
}

// Seal gives the plan its id and its hash.
func (p *Plan) Seal(at time.Time) {
	tail := make([]byte, 2)
	rand.Read(tail)
	p.FormatVersion, p.CreatedAt = PlanVersion, at
	p.ID = at.Format("20060102-150405-") + hex.EncodeToString(tail)
	p.Hash = p.sum()
}

// Intact tells whether the plan is the one that was sealed.
func (p *Plan) Intact() bool { return p.Hash == p.sum() }

// sum is the hash of all that the plan does: two plans that do the same have one.
func (p *Plan) sum() string {
	q := *p
	q.ID = ""
	q.Hash = ""
	q.CreatedAt = time.Time{}
	text, _ := json.Marshal(q)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// lookAtSchema prints the statements that a sync would run, where the code has TypeORM's
// script for it.
const lookAtSchema = "npm run --silent schema:log --if-present"

// Update are the steps of an update, as the field's guide lists them: back up, stop,
// pull, install, sync, start, verify.
func Update(ready time.Duration) []Step {
	return []Step{
		{Name: "backup", Kind: KindBackup, Timeout: 6 * time.Hour},
		{Name: "stop", Kind: KindStop, Timeout: 2 * time.Minute},
		{Name: "pull", Kind: KindPull, Timeout: 10 * time.Minute},
		{Name: "install", Kind: KindCommand, Run: "npm install", Keep: []string{"node_modules"},
			Timeout: 20 * time.Minute},
		{Name: "build", Kind: KindCommand, Run: "npm run build --if-present", Keep: []string{"dist"},
			Timeout: 15 * time.Minute},
		{Name: "sync", Kind: KindSync, Run: "npm run db:sync --if-present", Look: lookAtSchema,
			Timeout: 30 * time.Minute},
		{Name: "start", Kind: KindStart, Timeout: 2 * time.Minute},
		{Name: "ready", Kind: KindReady, Timeout: ready},
		{Name: "smoke", Kind: KindSmoke, Timeout: time.Minute},
		{Name: "errors", Kind: KindErrors, Timeout: time.Hour},
	}
}

// BlueGreen are the steps of an update behind nginx that loses no request: the new release
// is started beside the one that runs, and nginx is switched to it once it is ready. The
// former instance keeps running for the way back. The database has to serve both.
func BlueGreen(ready time.Duration) []Step {
	var out []Step
	for _, s := range Update(ready) {
		switch s.Kind {
		case KindStop:
			continue
		case KindStart:
			out = append(out, Step{Name: "standby", Kind: KindStandby, Timeout: max(ready, 2*time.Minute)},
				Step{Name: "switch", Kind: KindSwitch, Timeout: 2 * time.Minute})
			continue
		}
		out = append(out, s)
	}
	return out
}

// Scripts of an installation. A machine without a Compose file has its servers elsewhere; an
// environment file that is there stays as it is.
const (
	upContainers = `for f in compose.yaml compose.yml docker-compose.yaml docker-compose.yml; do ` +
		`if [ -f $f ]; then if docker compose version >/dev/null 2>&1; then exec docker compose -f $f up -d; ` +
		`else exec docker-compose -f $f up -d; fi; fi; done; echo "no Compose file"`
	makeEnv = `[ -f .env.example ] || { echo "there is no .env and no .env.example" >&2; exit 1; }; ` +
		`install -m 600 .env.example .env; echo "made .env from .env.example: change its default passwords, ` +
		`then run: opsdeck deploy check"`
)

// Install are the steps that bring the code in a fresh work tree to life on a new machine,
// as the field's guide lists them: containers, environment, packages, schema, seed, start,
// verify. Nothing is backed up, for nothing is there.
func Install(ready time.Duration) []Step {
	return []Step{
		{Name: "containers", Kind: KindCommand, Run: upContainers, Timeout: 20 * time.Minute},
		{Name: "env", Kind: KindCommand, Run: makeEnv, Check: "[ -f .env ]", Timeout: time.Minute},
		{Name: "install", Kind: KindCommand, Run: "npm install", Keep: []string{"node_modules"},
			Timeout: 20 * time.Minute},
		{Name: "build", Kind: KindCommand, Run: "npm run build --if-present", Keep: []string{"dist"},
			Timeout: 15 * time.Minute},
		{Name: "sync", Kind: KindSync, Run: "npm run db:sync --if-present", Look: lookAtSchema,
			Timeout: 30 * time.Minute},
		{Name: "seed", Kind: KindCommand, Run: "npm run seed --if-present", Timeout: 30 * time.Minute},
		{Name: "start", Kind: KindStart, Timeout: 2 * time.Minute},
		{Name: "ready", Kind: KindReady, Timeout: ready},
		{Name: "smoke", Kind: KindSmoke, Timeout: time.Minute},
	}
}

// leastBurst is how many errors are a burst at least: a single one is none.
const leastBurst = 5

// Burst tells whether errors came three times as fast after a deployment as before it.
func Burst(before int64, over time.Duration, after int64, within time.Duration) bool {
	return after >= leastBurst && float64(after)*over.Seconds() > 3*float64(before)*within.Seconds()
}
