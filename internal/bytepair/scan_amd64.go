package bytepair

import "golang.org/x/sys/cpu"

// Fast tells that Next is faster than a search for single bytes.
var Fast = cpu.X86.HasAVX2

// scan is Next for the first n places of a text, a multiple of 32 that is not 0; n where
// there is none. It reads gap bytes beyond.
//
//go:noescape
func scan(text *byte, n int, p *Pair) int
