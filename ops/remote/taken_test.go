package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/opstest"
)

// otherMachine is a second machine's inventory: the same names and sizes, other contents.
func otherMachine(t *testing.T, n, size int) *backup.Inventory {
	t.Helper()
	inv, sc := local(t, n, size)
	for _, s := range inv.Sets {
		if s.Links > 1 && strings.HasPrefix(s.Name, "weekly") {
			continue
		}
		content := bytes.Repeat([]byte("other "), size)[:size]
		if err := os.WriteFile(s.Path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := backup.ReadManifest(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		m.SHA256 = hex.EncodeToString(sum[:])
		os.Remove(s.Path + backup.ManifestSuffix)
		if err := opstest.WriteManifest(sc.Dir, m); err != nil {
			t.Fatal(err)
		}
		file, manifest, _ := backup.Identify(s.Path)
		sc.Index.Record(file, manifest, backup.Check{At: now, SHA256: m.SHA256})
	}
	inv, err := sc.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// Two machines with one copy: the second never writes over the first one's backup, and the
// first one's stays "already there"; neither calls the other's its own.
func TestAnotherMachinesBackupIsNeverWrittenOver(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		ctx := context.Background()
		a, sc := local(t, 1, 1000)
		b := otherMachine(t, 1, 1000)
		name, hash := a.Sets[0].Name, a.Sets[0].SHA256
		if b.Sets[0].Name != name || b.Sets[0].SHA256 == hash {
			t.Fatalf("%+v", b.Sets[0])
		}
		atA := copier(t, s)
		send(t, atA, a)
		atB := copier(t, s)
		for range 2 {
			r, err := atB.Send(ctx, b)
			if err != nil || len(r.Sent)+r.Present+len(r.Proved) != 0 || len(r.Others()) != 1 ||
				!strings.Contains(r.Failed[0].Err.Error(), "another machine's backup of that name is at the copy") {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		if h, err := s.Hash(ctx, name); err != nil || h != hash {
			t.Errorf("written over: %s %v", h, err)
		}
		b.Attach(atB.Copies)
		if st := b.Sets[0].Copies; len(st) != 1 || st[0].State == backup.Good {
			t.Errorf("it is called %v", st)
		}
		if r := send(t, atA, a); r.Present != 1 {
			t.Errorf("its own: %+v", r)
		}
		there, err := atB.Inventory(ctx, sc)
		if err != nil {
			t.Fatal(err)
		}
		atB.Here = map[string]string{name: b.Sets[0].SHA256}
		if v, err := atB.Verify(ctx, there.Sets[0]); err != nil || v.Good || !v.Other {
			t.Errorf("verified: %+v, %v", v, err)
		}
		if v, err := atA.Verify(ctx, there.Sets[0]); err != nil || !v.Good || v.Other {
			t.Errorf("its own, verified: %+v, %v", v, err)
		}
	})
}

// An earlier version wrote over A's backup after A had read it back: A says so, though the
// name, the size and its own record are right.
func TestABackupThatWasWrittenOverIsNotThere(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		ctx := context.Background()
		a, _ := local(t, 1, 1000)
		b := otherMachine(t, 1, 1000)
		atA := copier(t, s)
		send(t, atA, a)
		if _, err := atA.Look(ctx); err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"", backup.ManifestSuffix} {
			if err := s.Put(ctx, b.Sets[0].Name+end, b.Sets[0].Path+end, nil); err != nil {
				t.Fatal(err)
			}
		}
		r, err := atA.Send(ctx, a)
		if err != nil || r.Present != 0 || len(r.Others()) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		if a.Attach(atA.Copies); a.Sets[0].Copies[0].State != backup.Bad {
			t.Errorf("it is called %v", a.Sets[0].Copies)
		}
		if h, _ := s.Hash(ctx, b.Sets[0].Name); h != b.Sets[0].SHA256 {
			t.Error("the other one's was written over")
		}
	})
}

// PutNew leaves a file alone that came after the listing, whatever its length.
func TestPutNewNeverReplaces(t *testing.T) {
	for name, open := range map[string]func(*testing.T) Store{
		"rsync":   func(t *testing.T) Store { return rsyncStore(t, testdb.SSHD(t)) },
		"gateway": func(t *testing.T) Store { return gatewayStore(t, false) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := open(t)
			listed(t, s)
			for _, size := range []int{1000, 6 << 20} {
				one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
				os.WriteFile(one, bytes.Repeat([]byte("1"), size), 0o600)
				os.WriteFile(two, bytes.Repeat([]byte("2"), size), 0o600)
				if err := s.PutNew(ctx, "a", one, nil); err != nil {
					t.Fatal(err)
				}
				err := s.PutNew(ctx, "a", two, nil)
				if _, taken := err.(*takenError); !taken {
					t.Errorf("%d bytes: %v", size, err)
				}
				sum := sha256.Sum256(bytes.Repeat([]byte("1"), size))
				if h, err := s.Hash(ctx, "a"); err != nil || h != hex.EncodeToString(sum[:]) {
					t.Errorf("%d bytes: replaced: %s %v", size, h, err)
				}
				if names := listed(t, s); len(names) != 1 {
					t.Errorf("left: %v", names)
				}
				if err := s.Remove(ctx, "a"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A full disk at the copy is called that, and the name does not appear.
func TestAFullDiskAtTheCopyIsNamed(t *testing.T) {
	sshd := testdb.SSHD(t)
	s := rsyncStore(t, sshd)
	dir := filepath.Join(sshd.Dir, "it's backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	inv, _ := local(t, 1, 3<<20)
	r, err := copier(t, s).Send(context.Background(), inv)
	if err != nil || len(r.Failed) != 1 || ops.CodeOf(r.Failed[0].Err) != ops.Failed ||
		!strings.Contains(r.Failed[0].Err.Error(), "the disk at the copy far is full") {
		t.Fatalf("%+v, %v", r, err)
	}
	if names := listed(t, s); len(names) != 0 {
		t.Errorf("there: %v", names)
	}
}

// A backup that this machine did not verify is not sent, and is named.
func TestWhatWasNotVerifiedHereIsNamed(t *testing.T) {
	inv, sc := local(t, 1, 1000)
	name := inv.Sets[0].Name
	s := fakeS3(t)
	if r := send(t, copier(t, s), inv); len(r.Unproved) != 0 || len(r.Sent) != 1 {
		t.Errorf("verified: %+v", r)
	}
	sc.Index, _ = backup.OpenIndex("", sc.Dir)
	inv, err := sc.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := send(t, copier(t, fakeS3(t)), inv)
	if len(r.Unproved) != 1 || r.Unproved[0].Name != name || len(r.Sent)+r.Present != 0 {
		t.Errorf("%+v", r)
	}
}
