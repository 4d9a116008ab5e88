package load

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/dump"
)

// TestAFullDiskOfTheServerIsSaidAndOvercome loads into a schema whose files lie on
// a small disk; when that has grown, the same load goes on to its end.
func TestAFullDiskOfTheServerIsSaidAndOvercome(t *testing.T) {
	flavours := []string{"mariadb"}
	if os.Getenv("OPSDECK_SOAK") != "" {
		flavours = append(flavours, "mysql")
	}
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			from := filled(t, s)
			var data string
			if err := s.Open(t, "").QueryRow("SELECT @@datadir").Scan(&data); err != nil {
				t.Fatal(err)
			}
			native := backedUp(t, s, dump.Options{Databases: []string{from}})
			text := s.Dump(t, "--routines", "--triggers", "--events", "--databases", from)
			for to, src := range map[string]*Source{"copy_native": native, "copy_foreign": source(t, text)} {
				o := Options{Schema: to, From: from, Definer: DefinerKeep, Commit: 1 << 20}
				s.Exec(t, "", "CREATE DATABASE "+to)
				dir := filepath.Join(data, to)
				if out, err := osexec.Command("mount", "-t", "tmpfs", "-o", "size=5m", "none", dir).CombinedOutput(); err != nil {
					t.Skipf("a small tmpfs cannot be mounted: %v %s", err, out)
				}
				defer osexec.Command("umount", "-l", dir).Run()
				_, err := Run(context.Background(), target(s), src, o)
				if err == nil {
					t.Fatalf("%s: 20 MB went onto a disk of 5", to)
				}
				if code := ops.CodeOf(err); code != ops.Failed && code != ops.Busy {
					t.Errorf("%s: code %d: %v", to, code, err)
				}
				t.Logf("%s: %v", to, err)
				if out, err := osexec.Command("mount", "-o", "remount,size=500m", dir).CombinedOutput(); err != nil {
					t.Fatalf("%v %s", err, out)
				}
				s.Kill() // if it still lives: InnoDB ends itself when a rollback finds no room
				s.Start(t)
				if r := mustRun(t, s, src, o); !r.Resumed {
					t.Errorf("%s: the second run began anew", to)
				}
				if to == "copy_native" {
					mustVerify(t, s, src.Manifest, to)
				} else {
					sameAs(t, s, to, from)
				}
				s.Exec(t, "", "DROP TABLE "+to+".child", "DROP TABLE "+to+".big") // before its disk goes
			}
		})
	}
}
