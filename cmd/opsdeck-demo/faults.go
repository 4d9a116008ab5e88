package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"opsdeck/internal/atomicfile"
)

// fault is one thing that can go wrong. The back end reads which faults are
// planted and behaves accordingly; plant and heal do the rest.
type fault struct {
	name, about string
	plant, heal func(w *world, ctx context.Context) error // may be nil
}

var faults = []fault{
	{"db-down", "the database server stops", (*world).dbDown, (*world).dbUp},
	{"slow", "the back end and its queries take seconds", nil, nil},
	{"disk-full", "no space is left for rows and files", (*world).fillDisk, (*world).freeDisk},
	{"app-crash", "the back end runs out of memory and dies", (*world).crash, (*world).startBackend},
	{"db-damaged", "a bad migration loses invoices and garbles orders", (*world).damage, nil},
}

func faultNames() []string {
	var names []string
	for _, f := range faults {
		names = append(names, f.name)
	}
	return names
}

func knownFault(name string) bool { return slices.Contains(faultNames(), name) }

// setFault plants a fault or heals it; "heal" heals all. Planting twice changes
// nothing.
func (w *world) setFault(ctx context.Context, name string, planted bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name == "heal" {
		return w.healAll(ctx)
	}
	return w.changeFault(ctx, name, planted)
}

func (w *world) healAll(ctx context.Context) error {
	for _, f := range faults {
		if err := w.changeFault(ctx, f.name, false); err != nil {
			return err
		}
	}
	return nil
}

// changeFault is for a caller that holds mu.
func (w *world) changeFault(ctx context.Context, name string, planted bool) error {
	i := slices.Index(faultNames(), name)
	if i < 0 {
		return fmt.Errorf("no fault %q: one of %v, or heal", name, faultNames())
	}
	if w.planted[name] == planted {
		return nil
	}
	act := faults[i].plant
	if !planted {
		act = faults[i].heal
	}
	w.planted[name] = planted
	if err := w.writeFaults(); err != nil {
		return err
	}
	if act == nil {
		return nil
	}
	if err := act(w, ctx); err != nil {
		w.planted[name] = !planted
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (w *world) listFaults() []faultState {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []faultState
	for _, f := range faults {
		list = append(list, faultState{Name: f.name, About: f.about, Active: w.planted[f.name]})
	}
	return list
}

// writeFaults tells the back end, which may be started later.
func (w *world) writeFaults() error {
	names := []string{}
	for name, planted := range w.planted {
		if planted {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(w.path("run", "faults.json"), 0o600, text)
}

// plantedIn reads which faults the world has, as the back end sees it.
func plantedIn(dir string) map[string]bool {
	var names []string
	text, err := os.ReadFile(dir + "/run/faults.json")
	if err != nil || json.Unmarshal(text, &names) != nil {
		return nil
	}
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

func (w *world) dbDown(context.Context) error   { w.sql.stop(); return nil }
func (w *world) dbUp(ctx context.Context) error { return w.sql.start(ctx) }

func (w *world) fillDisk(context.Context) error { w.sql.setFull(true); return nil }
func (w *world) freeDisk(context.Context) error { w.sql.setFull(false); return nil }

// crash is what a node process does that runs out of memory.
func (w *world) crash(context.Context) error {
	if w.backend.running() {
		fmt.Fprint(w.errorLog, heapDeath)
	}
	w.backend.kill()
	return nil
}

// startBackend is for a caller that holds mu.
func (w *world) startBackend(context.Context) error {
	if w.backend.running() {
		return nil
	}
	var err error
	w.backend, err = spawn(w.outLog, w.errorLog, nil, w.self, "backend", "--dir", w.dir)
	return err
}

// revive starts the back end at an operator's wish, which ends a planted crash.
func (w *world) revive(ctx context.Context) error {
	w.planted["app-crash"] = false
	if err := w.writeFaults(); err != nil {
		return err
	}
	return w.startBackend(ctx)
}

// damage is an afternoon's bad migration. A restore repairs it.
func (w *world) damage(ctx context.Context) error {
	for _, statement := range []string{
		"DROP TABLE ar_payment_applications",
		"DELETE FROM ar_invoices WHERE id % 3 <> 0",
		"UPDATE orders SET total_amount = 0, remark = '????' WHERE id % 2 = 0",
		"DELETE FROM customers WHERE id > 40",
	} {
		if _, err := w.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	w.planted["db-damaged"] = false // it happens, and is over; it can happen again after a restore
	return w.writeFaults()
}
