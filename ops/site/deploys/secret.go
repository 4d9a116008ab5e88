package deploys

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// masker hides secrets in all that a deployment shows or writes: those of the environment
// file, as it is now and as it was when the veil last looked, and what looks like one.
type masker struct {
	path string // of the environment file

	mu     sync.Mutex
	known  []string
	hider  redact.Hider
	looked bool
}

// veil is that of the code in a folder.
func (d *Desk) veil(dir string) *masker { return &masker{path: filepath.Join(dir, d.conf.Env)} }

// look reads the environment file again: a step may have made it.
func (v *masker) look() redact.Hider {
	text, err := regular.ReadFile(v.path)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		return v.hider
	}
	now := deploy.Hidden(deploy.ParseEnv(string(text)))
	for _, s := range now {
		if !slices.Contains(v.known, s) {
			v.known = append(v.known, s)
			v.looked = false
		}
	}
	if !v.looked {
		v.hider = redact.NewHider(v.known)
		v.looked = true
	}
	return v.hider
}

// text masks one text.
func (v *masker) text(s string) string { return v.look().Hide(s) }

// plan is a plan as people may see it. Its hash stays that of the plan which is carried out.
func (v *masker) plan(p *deploy.Plan) *deploy.Plan {
	h := v.look()
	q := *p
	q.Remote = h.Hide(p.Remote)
	q.Steps = slices.Clone(p.Steps)
	for i := range q.Steps {
		for _, text := range []*string{&q.Steps[i].Run, &q.Steps[i].Check, &q.Steps[i].Look, &q.Steps[i].Undo} {
			*text = h.Hide(*text)
		}
	}
	return &q
}

// fault is an error as people may see it, in the operator's language.
func (v *masker) fault(p *lang.Printer, err error) error {
	var e *ops.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	h := v.look()
	out := ops.Wrap(e.Err, e.Code, e.What)
	if said := p.Msg(e.What); h.Hide(said) != said {
		out.What = lang.Raw(h.Hide(said))
	}
	if cause := e.Err; cause != nil && h.Hide(cause.Error()) != cause.Error() {
		out.Err = errors.New(h.Hide(cause.Error()))
	}
	out.Hint = e.Hint
	if said := p.Msg(e.Hint); h.Hide(said) != said {
		out.Hint = lang.Raw(h.Hide(said))
	}
	return out
}

// Shown is a plan as people may see it: its secrets are masked.
func (d *Desk) Shown(p *deploy.Plan) *deploy.Plan { return d.veil(p.Dir).plan(p) }
