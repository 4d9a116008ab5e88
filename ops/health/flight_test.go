package health

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// looker counts its looks, each of which takes a while and gives an answer.
type looker struct {
	mu     sync.Mutex
	looks  int
	takes  time.Duration
	answer string
}

func (l *looker) look(context.Context) string {
	l.mu.Lock()
	l.looks++
	answer, takes := l.answer, l.takes
	l.mu.Unlock()
	time.Sleep(takes)
	return answer
}

// become changes what the next looks give.
func (l *looker) become(answer string, takes time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer, l.takes = answer, takes
}

// bubble runs a test on a clock of its own, until the last look has ended.
func bubble(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(time.Minute)
	})
}

func flightOf() *Flight[string] {
	return &Flight[string]{TTL: time.Second, Timeout: 2 * time.Second,
		Failing: func(s string) bool { return s == "down" }}
}

// ask asks and says how long that took and how old the answer is.
func ask(t *testing.T, f *Flight[string], l *looker) (answer string, took, age time.Duration) {
	t.Helper()
	began := time.Now()
	answer, at, err := f.Do(t.Context(), l.look)
	if err != nil {
		t.Fatal(err)
	}
	return answer, time.Since(began), time.Since(at)
}

func TestNobodyWaitsForAThingThatAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, l := flightOf(), &looker{takes: 5 * time.Millisecond, answer: "up"}
		ask(t, f, l)
		for range 1000 { // ten seconds
			time.Sleep(10 * time.Millisecond)
			if answer, took, age := ask(t, f, l); answer != "up" || took != 0 || age > f.TTL {
				t.Fatalf("%s after %v, %v old", answer, took, age)
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.looks > 22 {
			t.Errorf("%d looks in ten seconds", l.looks)
		}
	})
}

func TestAGoodAnswerIsNeverOlderThanItsTTL(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, l := flightOf(), &looker{takes: time.Millisecond, answer: "up"}
		ask(t, f, l)
		l.become("down", 2*time.Second) // it hangs
		began := time.Now()
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			answer, _, age := ask(t, f, l)
			if answer == "up" && age > f.TTL {
				t.Fatalf("up is told %v after it was seen", age)
			}
			if answer == "down" {
				break
			}
		}
		if since := time.Since(began); since > f.TTL+f.Timeout {
			t.Errorf("down is told after %v", since)
		}
	})
}

func TestAFailureIsToldOnWhileTheNextLookHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, l := flightOf(), &looker{takes: 2 * time.Second, answer: "down"}
		ask(t, f, l)
		for range 500 {
			time.Sleep(10 * time.Millisecond)
			if answer, took, _ := ask(t, f, l); answer != "down" || took != 0 {
				t.Fatalf("%s after %v", answer, took)
			}
		}
		l.become("up", time.Millisecond)
		time.Sleep(2 * time.Second) // the hung look ends
		ask(t, f, l)
		time.Sleep(2 * time.Millisecond)
		if answer, _, _ := ask(t, f, l); answer != "up" {
			t.Error("it is not told that it is up again")
		}
	})
}

// A load balancer that asks every ten seconds is not told what was ten seconds ago.
func TestAnOldFailureIsNotToldOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, l := flightOf(), &looker{takes: time.Millisecond, answer: "down"}
		ask(t, f, l)
		l.become("up", time.Millisecond)
		time.Sleep(10 * time.Second)
		if answer, _, _ := ask(t, f, l); answer != "up" {
			t.Errorf("%s", answer)
		}
	})
}
