package audit

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestMostIsOfOneUserWithinOneWindow(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1_800_000_000+int64(s), 0) }
	deeds := []Deed{
		{at(0), "li", true}, {at(50), "li", true}, {at(61), "li", true}, // never three in a minute
		{at(10), "wang", false}, {at(20), "wang", false}, {at(69), "wang", true},
		{at(30), "", true}, {at(31), "", true},
	}
	got, ok := Most(deeds, time.Minute, 3)
	if want := (Burst{Who: "wang", Rows: 3, From: at(10), To: at(69)}); !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, ok := Most(deeds, time.Minute, 4); ok {
		t.Errorf("nobody did 4: %+v", got)
	}
	if got, _ := Most(deeds, time.Minute, 2); got.Others != 2 {
		t.Errorf("others: %d, want 2", got.Others)
	}
	// What was judged before is not told again.
	for i := range deeds {
		deeds[i].New = false
	}
	if got, ok := Most(deeds, time.Minute, 1); ok {
		t.Errorf("it was judged: %+v", got)
	}
}

// The model looks at every window.
func TestMostAgainstAModel(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var deeds []Deed
		for range 40 {
			deeds = append(deeds, Deed{time.Unix(int64(rng.IntN(300)), 0), string(rune('a' + rng.IntN(3))), true})
		}
		want := 0
		for _, d := range deeds {
			n := 0
			for _, o := range deeds {
				if o.Who == d.Who && !o.At.Before(d.At) && o.At.Sub(d.At) < time.Minute {
					n++
				}
			}
			want = max(want, n)
		}
		if got, _ := Most(deeds, time.Minute, 1); got.Rows != want {
			t.Fatalf("seed %d: %d, want %d", seed, got.Rows, want)
		}
	}
}
