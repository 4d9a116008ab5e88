//go:build !amd64

package bytepair

// Fast tells that Next is faster than a search for single bytes.
const Fast = false

func scan(*byte, int, *Pair) int { panic("not for this CPU") }
