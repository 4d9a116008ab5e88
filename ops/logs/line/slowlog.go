package line

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"opsdeck/ops/logs"
)

// slowLog is the context of entries of the slow log of MySQL and MariaDB.
const slowLog = "slow log"

// slowHead reads the lines that begin an entry: "# Time: ", or "# User@Host: " alone
// when the second is the same as in the previous entry (MySQL before 8.0, MariaDB).
// After a "# Time: " the latter belongs to the entry.
func (r headReader) slowHead(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	e = logs.Event{Format: logs.FormatText, Context: slowLog, Message: string(line)}
	if rest, ok := bytes.CutPrefix(line, []byte("# Time: ")); ok && len(rest) > 0 {
		ms, n := r.p.AnyTime(rest)
		return e, ms, KindHead, n > 0
	}
	if bytes.HasPrefix(line, []byte("# User@Host: ")) {
		return e, Unset, KindNext, true
	}
	return e, Unset, KindPlain, false
}

// NeedsWhole tells whether Whole finds more in all lines of an event than in its first
// line.
func NeedsWhole(e *logs.Event) bool { return isSlow(e) || isRecord(e) || isBelow(e) }

// NeedsMore tells whether an event's first line says neither its level nor what happened.
func NeedsMore(e *logs.Event) bool { return isRecord(e) || isBelow(e) }

func isSlow(e *logs.Event) bool { return e.Context == slowLog && e.Format == logs.FormatText }

// Whole reads from all lines of an event what its first line lacks: of a slow log entry
// its numbers, the user and the statement, which becomes the message; of a record
// everything.
func (p *Parser) Whole(e *logs.Event) {
	if isRecord(e) {
		objects(p).wholeRecord(e)
		return
	}
	if isBelow(e) {
		p.wholeBelow(e)
		return
	}
	if !isSlow(e) {
		return
	}
	var statement []string
	for _, l := range strings.Split(e.Raw, "\n") {
		l = strings.TrimRight(l, "\r")
		switch text, comment := strings.CutPrefix(l, "# "); {
		case comment && strings.HasPrefix(text, "Time: "):
		case comment && strings.HasPrefix(text, "User@Host: "):
			slowUser(e, strings.TrimPrefix(text, "User@Host: "))
		case comment && len(statement) == 0:
			slowNumbers(e, text)
		case len(statement) == 0 && strings.HasPrefix(strings.ToLower(l), "set timestamp="):
			slowTime(e, l[len("set timestamp="):])
		case len(statement) == 0 && strings.HasPrefix(l, "use ") && strings.HasSuffix(l, ";"):
			e.Fields = append(e.Fields, logs.Field{Key: "schema", Value: strings.Trim(l[4:len(l)-1], "` ")})
		case strings.TrimSpace(l) != "":
			statement = append(statement, strings.TrimSpace(l))
		}
	}
	if len(statement) > 0 {
		e.Message = strings.Join(statement, " ")
	}
}

// slowTime reads the time of an entry without another time.
func slowTime(e *logs.Event, text string) {
	at, err := strconv.ParseFloat(strings.TrimRight(text, "; "), 64)
	if err == nil && e.Time.IsZero() {
		e.Time = time.UnixMilli(int64(at * 1000))
	}
}

// slowUser reads "app[app] @ localhost [10.0.0.9]  Id:     2".
func slowUser(e *logs.Event, text string) {
	who, where, _ := strings.Cut(text, " @ ")
	user, _, _ := strings.Cut(who, "[")
	where, id, _ := strings.Cut(where, "Id:")
	host, address, _ := strings.Cut(strings.TrimSpace(where), "[")
	if host = strings.TrimSpace(host); host == "" {
		host = strings.TrimRight(address, "] ")
	}
	e.Fields = append(
		e.Fields,
		logs.Field{Key: "user", Value: strings.TrimSpace(user)},
		logs.Field{Key: "host", Value: host},
	)
	if id = strings.TrimSpace(id); id != "" {
		e.Fields = append(e.Fields, logs.Field{Key: "id", Value: id})
	}
}

// slowNumbers reads "Query_time: 2.511853  Lock_time: 0.000117 Rows_sent: 1
// Rows_examined: 9". Times are converted to ms.
func slowNumbers(e *logs.Event, text string) {
	words := strings.Fields(text)
	for i := 0; i+1 < len(words); i++ {
		name, ok := strings.CutSuffix(words[i], ":")
		if !ok || strings.HasSuffix(words[i+1], ":") {
			continue
		}
		i++
		key := strings.ToLower(name)
		value := words[i]
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && strings.HasSuffix(key, "_time") {
			key, value = key+"_ms", strconv.FormatFloat(float64(int64(seconds*1e6+0.5))/1e3, 'f', -1, 64)
		}
		e.Fields = append(e.Fields, logs.Field{Key: key, Value: value})
	}
}
