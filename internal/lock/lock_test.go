package lock

import (
	"errors"
	"path/filepath"
	"testing"
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
