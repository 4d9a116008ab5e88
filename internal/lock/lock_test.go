package lock

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSecondTakerLearnsWhoHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locks", "backup.lock")
	first, err := Take(path, Holder{User: "li", What: "backup create"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Take(path, Holder{User: "wang"})
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.User != "li" || held.Holder.What != "backup create" {
		t.Fatalf("err = %v", err)
	}
	if who, is, err := Look(path); err != nil || !is || who.User != "li" {
		t.Fatalf("Look = %v %v %v", who, is, err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if _, is, _ := Look(path); is {
		t.Fatal("still held after release")
	}
	again, err := Take(path, Holder{User: "wang"})
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestWhoOnlyLooksKeepsNobodyOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	look, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(look.Fd()), unix.LOCK_SH); err != nil { // a look that takes long
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { look.Close() })
	l, err := Take(path, Holder{User: "li"})
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// TestOneOfManyTakersHasItWhateverOthersLook: each time that one says it is held,
// somebody holds it.
func TestOneOfManyTakersHasItWhateverOthersLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	stop := make(chan struct{})
	var looks, takes sync.WaitGroup
	for range 2 {
		looks.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					Look(path)
				}
			}
		})
	}
	for range 200 {
		won := make(chan *Lock, 4)
		for range cap(won) {
			takes.Go(func() {
				if l, err := Take(path, Holder{User: "li"}); err == nil {
					won <- l
				}
			})
		}
		takes.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have it", len(won))
		}
		(<-won).Release()
	}
	close(stop)
	looks.Wait()
}

// TestAFullDiskDoesNotKeepTheLock: the lock needs no room, and /proc/locks knows who holds it.
func TestAFullDiskDoesNotKeepTheLock(t *testing.T) {
	dir := t.TempDir()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16k,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 64<<10), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	path := filepath.Join(dir, "backup.lock")
	first, err := Take(path, Holder{User: "li"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	var held *HeldError
	if _, err := Take(path, Holder{User: "wang"}); !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Errorf("a second taker: %v", err)
	}
}
