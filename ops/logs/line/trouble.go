package line

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/pattern"
	"opsdeck/ops/logs"
)

// Cause is the kind of a problem in a log.
type Cause string

// The causes that a status check names. For TroubleOther it only quotes the line.
const (
	TroublePort     Cause = "port"     // the port is taken
	TroubleModule   Cause = "module"   // a module is missing
	TroubleLogin    Cause = "login"    // the database refuses user or password
	TroubleDatabase Cause = "database" // the database cannot be reached
	TroubleMemory   Cause = "memory"   // the heap is full
	TroubleDisk     Cause = "disk"     // a disk is full
	TroubleOther    Cause = "other"
)

// Trouble is an error in a log that needs immediate action, or that ended the process.
type Trouble struct {
	Cause Cause
	Text  string // the line
	Said  string // context, message and error of the line, without time and level
	Port  int    // of TroublePort
	At    time.Time

	// How a search finds it: as a critical error, by the level of its event, by the time that its
	// event lies at, zero where no line says one.
	Critical bool
	Level    logs.Level
	Lies     time.Time
}

// prefiltered is an expression, and texts of which a line that it matches has one: they are found
// many times faster, and nearly no line has them.
type prefiltered struct {
	re   *regexp.Regexp
	with []string
}

func seek(expr string, with ...string) prefiltered {
	return prefiltered{regexp.MustCompile(expr), with}
}

func (s prefiltered) MatchString(line string) bool {
	for _, text := range s.with {
		if strings.Contains(line, text) {
			return s.re.MatchString(line)
		}
	}
	return false
}

var (
	portTaken = pattern.New(`EADDRINUSE\D.*?(?:::+|:)(\d{1,5})\b`)
	noModule  = seek(`Cannot find (?:module|package) '[^']+'`, "Cannot find ")
	badLogin  = seek(`Access denied for user '[^']*'@'[^']*'|ER_ACCESS_DENIED_ERROR`, "Access denied",
		"ER_ACCESS_DENIED")
	noDatabase = seek(`connect E[A-Z]+ \S*:3306\b`, ":3306")
	diskFull   = seek(`\bENOSPC\b|[Nn]o space left on device|ER_DISK_FULL|ER_RECORD_FILE_FULL|Disk full \(`,
		"ENOSPC", "o space left", "ER_DISK_FULL", "ER_RECORD_FILE_FULL", "Disk full")
	nodeEnds = seek(`^Node\.js v\d+\.`, "Node.js v")
	jsError  = seek(`^\s*(?:Uncaught )?[A-Za-z]*(?:Error|Exception)\b`, "Error", "Exception")
)

// troubleIn returns the trouble that a line reports.
func troubleIn(line string) (Trouble, bool) {
	t := Trouble{Text: strings.TrimSpace(line)}
	which, critical := Critical(line)
	var m []string
	if strings.Contains(line, "EADDRINUSE") {
		m = portTaken.FindStringSubmatch(line)
	}
	switch {
	case m != nil:
		t.Cause = TroublePort
		t.Port, _ = strconv.Atoi(m[1])
	case noModule.MatchString(line):
		t.Cause = TroubleModule
	case diskFull.MatchString(line):
		t.Cause = TroubleDisk
	case badLogin.MatchString(line):
		t.Cause = TroubleLogin
	case noDatabase.MatchString(line), which == "Unable to connect to the database":
		t.Cause = TroubleDatabase
	case which == "JavaScript heap out of memory":
		t.Cause = TroubleMemory
	case critical:
		t.Cause = TroubleOther
	default:
		return Trouble{}, false
	}
	return t, true
}

// said is what an event says without its time and level, which are told beside it; text
// is its line.
func said(e *logs.Event, text string) string {
	out := strings.TrimSpace(e.Message)
	if out == "" {
		return text
	}
	if cause, ok := e.Field("error.message"); ok && !strings.Contains(out, cause) {
		out = strings.TrimRight(out, ". ") + ": " + cause
	}
	if e.Context != "" {
		out = "[" + e.Context + "] " + out
	}
	return out
}

// LastTrouble is the newest trouble in the tail of a log that was last written at
// written. A line without a time has the time of the previous line with one, or, if no
// later line has one, the time of the last write. If the process ended, any last error
// counts, because some process managers print nothing more.
func LastTrouble(tail []byte, p *Parser, written time.Time, ended bool) (Trouble, bool) {
	var last Trouble
	var at time.Time // of the newest line with a time
	var jsLine string
	var flow Flow
	level, jsLevel := logs.LevelUnknown, logs.LevelUnknown
	found, open := false, false
	for line := range bytes.Lines(tail) {
		line = bytes.TrimRight(line, "\r\n")
		e, kind := p.Parse(line)
		if begins := flow.BeginsRead(p, &e, kind, line, at.IsZero()); begins {
			level = e.Level
		}
		if !e.Time.IsZero() {
			at = e.Time
			open = false
			jsLine = ""
		}
		text := string(Visible(line, nil))
		t, ok := troubleIn(text)
		switch {
		case ok:
			t.Said = said(&e, t.Text)
		case jsError.MatchString(text):
			jsLine, jsLevel = strings.TrimSpace(text), level
			continue
		case nodeEnds.MatchString(text) && jsLine != "":
			if found && open && last.Cause != TroubleOther {
				continue // the reason was found already
			}
			t = Trouble{Cause: TroubleOther, Text: jsLine, Said: jsLine}
			level, jsLine = jsLevel, ""
		default:
			continue
		}
		if found && open && last.Cause != TroubleOther && t.Cause == TroubleOther {
			continue
		}
		t.Level, t.Lies = level, at
		t.At, open = at, e.Time.IsZero()
		last, found = t, true
	}
	if ended && jsLine != "" && !(found && open && last.Cause != TroubleOther) {
		last = Trouble{Cause: TroubleOther, Text: jsLine, Said: jsLine, Level: jsLevel, Lies: at}
		found = true
		open = true
	}
	if open || found && last.At.IsZero() {
		last.At = written
	}
	last.Critical = IsCritical([]byte(last.Text))
	return last, found
}
