package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// kernel reads "host kernel: [12.3] text", what syslog and journald write of Linux, which has
// no process id; the host and the seconds since the start may be missing.
func kernel(rest []byte) (e logs.Event, ok bool) {
	at := bytes.Index(rest[:min(len(rest), 80)], []byte("kernel: "))
	if at < 0 || at > 0 && (rest[at-1] != ' ' || bytes.IndexByte(rest[:at-1], ' ') >= 0) {
		return e, false
	}
	text := rest[at+len("kernel: "):]
	if len(text) > 0 && text[0] == '[' {
		if shut := bytes.IndexByte(text[:min(len(text), 24)], ']'); shut > 0 && noLetters(text[:shut]) {
			text = bytes.TrimLeft(text[shut+1:], " ")
		}
	}
	e = logs.Event{Format: logs.FormatText, Context: "kernel", Message: string(text)}
	for _, s := range kernelSays {
		if bytes.Contains(text[:min(len(text), 160)], []byte(s.text)) {
			e.Level = s.level
			break
		}
	}
	return e, true
}

// kernelSays are what Linux says of what ends a process, a disk or itself (mm/oom_kill.c,
// kernel/panic.c, block/blk-core.c, fs/ext4/super.c, arch/x86/mm/fault.c).
var kernelSays = [...]struct {
	text  string
	level logs.Level
}{
	{"Kernel panic", logs.LevelFatal}, {"BUG: ", logs.LevelFatal}, {"Oops: ", logs.LevelFatal},
	{"Out of memory: Kill", logs.LevelError}, {"out of memory: Kill", logs.LevelError},
	{"invoked oom-killer", logs.LevelError}, {"oom-kill:", logs.LevelError}, {"oom_reaper: ", logs.LevelWarn},
	{"I/O error", logs.LevelError}, {"-fs error", logs.LevelError}, {"segfault at ", logs.LevelError},
	{"blocked for more than ", logs.LevelError}, {"Remounting filesystem read-only", logs.LevelError},
	{"-fs warning", logs.LevelWarn},
}

// noLetters tells whether a text has no letter.
func noLetters(b []byte) bool {
	for _, c := range b {
		if Letter(c) {
			return false
		}
	}
	return true
}
