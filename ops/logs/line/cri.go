package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// The CRI of Kubernetes (containerd, CRI-O) writes the lines of a container as
// "2026-01-29T12:00:00.123456789Z stdout F text": the time, the stream, tags separated
// by colons, and the text. The first tag is F for a full line or P for a partial one
// that continues.

// criLine is such a line, split into its parts.
type criLine struct {
	at     string
	stderr bool
	part   bool
	text   []byte
}

// criOf splits a line.
func criOf(line []byte) (c criLine, ok bool) {
	if len(line) < 30 || line[4] != '-' || line[10] != 'T' {
		return c, false
	}
	at, rest, ok := bytes.Cut(line[:min(len(line), 64)], []byte{' '})
	if !ok || len(rest) < len("stdout F") || string(rest[:3]) != "std" {
		return c, false
	}
	switch string(rest[:7]) {
	case "stdout ":
	case "stderr ":
		c.stderr = true
	default:
		return c, false
	}
	rest = line[len(at)+1+len("stdout "):]
	tags, text, _ := bytes.Cut(rest[:min(len(rest), 32)], []byte{' '})
	tag, _, _ := bytes.Cut(tags, []byte{':'})
	if c.part = string(tag) == "P"; !c.part && string(tag) != "F" || len(tags)+len(text) == 32 {
		return c, false
	}
	var t Stamp
	if iso(at, &t) != len(at) || !t.zoned {
		return c, false
	}
	c.at = string(at)
	c.text = rest[min(len(tags)+1, len(rest)):]
	return c, true
}

// IsCRI tells from the beginning of a text whether a container runtime of Kubernetes
// wrote it.
func IsCRI(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	_, ok := criOf(line)
	return ok
}

// cri reads a wrapped line: its leading time is the event's.
func (r headReader) cri(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	c, ok := criOf(line)
	if !ok {
		return e, Unset, KindPlain, false
	}
	if _, again := criOf(c.text); again {
		e = text(c.text)
		kind = KindPlain
	} else {
		e, _, kind = r.p.one(c.text)
	}
	e.Fields = append(e.Fields, logs.Field{Key: "stream", Value: streamName(c.stderr), JSON: true})
	if e.Format == logs.FormatUnknown && kind == KindHead {
		e.Format = logs.FormatText
	}
	ms, _ = r.p.AnyTime(line)
	return e, ms, kind, true
}
