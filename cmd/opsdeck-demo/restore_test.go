package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDamagedDemoIsRestoredAndUndoneByKeys plays demo.tape, a newcomer's way: the
// demo opens with a verdict that points to Restore, and the wizard there goes to its
// end, and back, by keys alone.
func TestTheDamagedDemoIsRestoredAndUndoneByKeys(t *testing.T) {
	command, actions := readTape(t)
	tmp, err := os.MkdirTemp("", "demo-") // short: the world's sockets lie below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	args := strings.Fields(strings.Replace(command, " bin/opsdeck ", " "+opsdeck(t)+" ", 1))
	cmd := exec.Command(os.Args[0], args[1:]...)
	cmd.Env = append(os.Environ(), demoEnv+"=1", "TMPDIR="+tmp, "LANG=en_GB.UTF-8", "LC_ALL=", "NO_COLOR=1")
	c := onTerminal(t, cmd, 80, 24)
	c.sees("1 of 8 tables of "+database+" is missing", "Press 5 to restore")
	worlds, err := filepath.Glob(filepath.Join(tmp, "*", "world"))
	if err != nil || len(worlds) != 1 {
		t.Fatalf("worlds %v, %v", worlds, err)
	}
	r := &running{dir: worlds[0]}
	notes := 0
	c.play(actions, func(note string) {
		notes++
		switch begin, _, _ := strings.Cut(note, "."); begin {
		case "Keep the newer rows, type the database's name, begin":
			// Shortly after the nightly backup there are changed rows alone, later newer ones too.
			c.sees("missing now: ar_payment_applications", "customers (40 <", "will be lost (o): ")
		case "Take it back":
			r.restored(t, c)
		case "What was written since then is kept":
			c.sees("Rows written since the restore are", "products  1 row")
		case "The palette knows every action":
			r.undone(t)
			r.rescued(t)
		}
	})
	if notes < 8 {
		t.Errorf("demo.tape has %d parts", notes)
	}
	if code := c.leaves(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
}

// restored looks at the world after the restore, and writes a row as the service would.
func (r *running) restored(t *testing.T, c *console) {
	t.Helper()
	c.sees("restored in", "Z undo")
	if n := r.count(t, "SELECT COUNT(*) FROM customers"); n <= 40 {
		t.Errorf("%d customers after the restore", n)
	}
	r.count(t, "SELECT COUNT(*) FROM ar_payment_applications")
	db := r.open(t)
	defer db.Close()
	if _, err := db.Exec("INSERT INTO products (sku, name, unit, price, stock) VALUES ('LATER', 'x', 'x', 1, 1)"); err != nil {
		t.Fatal(err)
	}
}

// undone looks at the world after the undo: damaged again, and what was written between is
// in a file.
func (r *running) undone(t *testing.T) {
	t.Helper()
	if n := r.count(t, "SELECT COUNT(*) FROM customers"); n != 40 {
		t.Errorf("%d customers after the undo", n)
	}
	db := r.open(t)
	defer db.Close()
	if _, err := db.Exec("SELECT 1 FROM ar_payment_applications"); err == nil {
		t.Error("the lost table is still there after the undo")
	}
	files, _ := filepath.Glob(filepath.Join(r.dir, "state", "restores", "*", "later-writes", "products.sql"))
	if len(files) != 1 {
		t.Fatalf("exported %v", files)
	}
	if text, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(text), "'LATER'") {
		t.Errorf("exported %v:\n%s", err, text)
	}
}

// rescued brings the rows of one table back: it has a primary key, here and in the backup.
func (r *running) rescued(t *testing.T) {
	t.Helper()
	rescue := exec.Command(opsdeck(t), "--config", filepath.Join(r.dir, "config.yaml"), "--lang", "en", "restore",
		"rescue",
		"--table", "customers", "--merge", "missing", "--confirm", database)
	out, err := rescue.CombinedOutput()
	text := string(out)
	if err != nil || !strings.Contains(text, "each was read back") || strings.Contains(text, "differs") {
		t.Errorf("%v: %s", err, out)
	}
	if n := r.count(t, "SELECT COUNT(*) FROM customers"); n <= 40 {
		t.Errorf("%d customers after the rescue", n)
	}
}
