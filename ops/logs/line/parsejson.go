package line

import (
	"encoding/json"
	"strconv"
	"strings"

	"opsdeck/internal/jsontext"
	"opsdeck/ops/logs"
)

// The keys of what every event has, in lower case, by the loggers that write them:
// common names, pino, winston (also its logstash format), bunyan, docker's json-file,
// zap, log4j2, logback, Python, Serilog's CLEF, GELF, journald, OTLP, MongoDB and the
// Elastic Common Schema, whose names may also be nested.
var (
	timeKeys = map[string]bool{
		"timestamp": true, "time": true, "ts": true, "@timestamp": true, "datetime": true, "@t": true, "t": true,
		"eventtime": true, "date": true, "asctime": true, "timemillis": true, "instant": true,
		"__realtime_timestamp": true, "timeunixnano": true, "_time": true,
		"timestamp_ns": true, "timestamp_ms": true,
		"time_iso8601": true, "time_local": true, // nginx
	}
	levelKeys = map[string]bool{
		"level": true, "severity": true, "lvl": true, "levelname": true, "log.level": true, "@l": true,
		"priority": true, "severitytext": true, "severitynumber": true, "s": true, "loglevel": true,
		"error_severity": true,
	}
	messageKeys = map[string]bool{
		"message": true, "msg": true, "@m": true, "@mt": true, "@message": true, "short_message": true, "body": true,
		"_msg": true,
	}
	contextKeys = map[string]bool{
		"context": true, "logger": true, "module": true, "component": true, "service": true, "log.logger": true,
		"syslog_identifier": true, "logger_name": true, "loggername": true, "sourcecontext": true,
	}
)

// lowerKey returns a key in lower case; most keys are already.
func lowerKey(key string) string {
	for i := range len(key) {
		if key[i] >= 'A' && key[i] <= 'Z' {
			return strings.ToLower(key)
		}
	}
	return key
}

// cutBytes is the length from which an object that does not end is one whose line was cut,
// because only WindowBytes of a line are read.
const cutBytes = WindowBytes / 2

// parts are the facts that a JSON line may state in more than one place.
type parts struct {
	name, typ, failed string
	scale             scale
	levelKey          string // of a numeric level
}

// json reads one line that is one JSON object.
func (r objectReader) json(line string) (e logs.Event, ms int64, kind Kind, ok bool) {
	pairs, ok := jsontext.Pairs(line)
	if !ok && len(line) > cutBytes {
		pairs = jsontext.CutPairs(line)
		ok = true
	}
	if !ok || len(pairs) == 0 {
		return e, Unset, KindPlain, false
	}
	if inner, ms, kind, ok := r.docker(line, pairs); ok {
		return inner, ms, kind, true
	}
	if inner, ms, kind, ok := r.pm2(pairs); ok {
		return inner, ms, kind, true
	}
	if pairs[0].Key == "resourceLogs" && len(pairs) == 1 {
		if e, ms, ok := r.otlp(pairs[0].Value); ok {
			return e, ms, KindHead, true
		}
	}
	e, ms = r.ofPairs(line, pairs)
	return e, ms, KindHead, true
}

// ofPairs builds an event from an object's pairs; line is the object's text.
func (r objectReader) ofPairs(line string, pairs []jsontext.Pair) (e logs.Event, ms int64) {
	e.Format, ms = logs.FormatJSON, Unset
	of := parts{scale: scaleOf(pairs)}
	for _, v := range pairs {
		if r.pair(&e, &ms, v, &of) {
			continue
		}
		e.Fields = append(e.Fields, logs.Field{Key: v.Key, Value: v.Value, JSON: true})
	}
	r.lesserKeys(&e, &ms, pairs)
	// Shapes keep only the digits of "level":30.
	if of.levelKey != "" && (of.levelKey != "level" || !strings.Contains(line, `"level":`)) {
		r.p.read.numbered = true
	}
	if e.Context == "" {
		e.Context = of.name // the logger's name in bunyan and pino
	}
	if e.Level == logs.LevelUnknown && of.levelKey == "" && ofSerilog(pairs) {
		e.Level = logs.LevelInfo
	}
	if e.Message == "" && of.typ == "" {
		e.Message = of.failed
	}
	if of.typ != "" && e.Message == "" {
		business(&e, of.typ)
	}
	if e.Message == "" {
		e.Message = requested(pairs)
	}
	return e, ms
}

// ofSerilog recognises an event in Serilog's compact form, which leaves out the level of
// information (clef-json.org): "@t" with "@m" or "@mt", and no "@l".
func ofSerilog(pairs []jsontext.Pair) bool {
	timed, said := false, false
	for _, v := range pairs {
		switch v.Key {
		case "@t":
			timed = true
		case "@m", "@mt":
			said = true
		case "@l":
			return false
		}
	}
	return timed && said
}

// pair takes from one pair what every event has; taken is false for a pair that remains
// a field.
func (r objectReader) pair(e *logs.Event, ms *int64, v jsontext.Pair, of *parts) (taken bool) {
	key := lowerKey(v.Key)
	quoted := v.Value[0] == '"'
	nested := v.Value[0] == '{' || v.Value[0] == '['
	switch {
	case timeKeys[key] && *ms == Unset:
		*ms = r.jsonTime(v.Value)
		return *ms != Unset
	case levelKeys[key] && e.Level == logs.LevelUnknown:
		e.Level = of.scale.level(key, v.Value)
		if digits := strings.TrimLeft(v.Value, `"`); digits != "" && Digit(digits[0]) {
			of.levelKey = v.Key + v.Value[:len(v.Value)-len(digits)]
		}
		return e.Level != logs.LevelUnknown && !nested
	case messageKeys[key] && e.Message == "" && !nested:
		e.Message = jsontext.Text(v.Value)
		return true
	case v.Key == "MESSAGE" && e.Message == "" && v.Value[0] == '[':
		e.Message = ofBytes(v.Value)
		return e.Message != ""
	case contextKeys[key] && e.Context == "" && quoted:
		e.Context = jsontext.Text(v.Value)
		return true
	case (key == "name" || key == "service.name") && quoted:
		of.name = jsontext.Text(v.Value)
	case key == "error.message" && quoted:
		of.failed = jsontext.Text(v.Value)
	case nested && v.Value[0] == '{':
		r.nested(e, v, &of.name, &of.failed)
	case key == "type" && quoted:
		of.typ = jsontext.Text(v.Value)
	}
	return false
}

// ofBytes reads text that journald wrote as a list of byte values, because it has
// colours or is not UTF-8: [27,91,51,49,109,…].
func ofBytes(value string) string {
	var numbers []uint8
	var wide []uint16
	if json.Unmarshal([]byte(value), &wide) != nil {
		return ""
	}
	for _, n := range wide {
		numbers = append(numbers, uint8(n))
	}
	return string(Visible(numbers, nil))
}

// jsonTime reads a time from a value: text, a number, MongoDB's {"$date": …} or log4j2's
// {"epochSecond": …, "nanoOfSecond": …}.
func (r objectReader) jsonTime(value string) int64 {
	if value[0] != '{' {
		return r.p.value(jsontext.Text(value))
	}
	if date, ok := jsontext.Find(value, "$date"); ok {
		if number, ok := jsontext.Find(date, "$numberLong"); ok {
			date = number
		}
		return r.p.value(date)
	}
	if seconds, ok := jsontext.Find(value, "seconds"); ok { // a Timestamp of protobuf
		nanos, _ := jsontext.Find(value, "nanos")
		n, _ := strconv.Atoi(nanos)
		if ms := r.p.value(seconds); ms != Unset {
			return ms + int64(n)/1_000_000
		}
	}
	if seconds, ok := jsontext.Find(value, "epochSecond"); ok {
		nanos, _ := jsontext.Find(value, "nanoOfSecond")
		n, err := strconv.Atoi(nanos)
		if ms := r.p.value(seconds); ms != Unset && err == nil {
			return ms + int64(n)/1_000_000
		}
	}
	return Unset
}

// scale is the meaning of a numeric level.
type scale uint8

const (
	pinoScale scale = iota // pino and bunyan: 10 is trace, 60 is fatal; below 8 it is syslog's
	nextcloudScale
	otlpScale
)

// scaleOf finds the scale by keys that only one program writes.
func scaleOf(pairs []jsontext.Pair) scale {
	for _, v := range pairs {
		switch v.Key {
		case "reqId":
			return nextcloudScale
		case "severityNumber":
			return otlpScale
		}
	}
	return pinoScale
}

// level reads a level from a word, letter or number, or from an object with its name.
func (s scale) level(key, value string) logs.Level {
	if value[0] == '{' {
		name, _ := jsontext.Find(value, "name")
		l, _ := logs.ParseLevel(plainWord(name))
		return l
	}
	word := plainWord(jsontext.Text(value))
	if len(word) == 1 {
		if l := letterLevels[word[0]]; l != logs.LevelUnknown {
			return l
		}
	}
	n, err := strconv.ParseFloat(word, 64)
	switch {
	case err != nil && key == "s" && len(word) == 2 && word[0] == 'D' && word[1] >= '1' && word[1] <= '5':
		return logs.LevelDebug // MongoDB's verbosity
	case err != nil:
		l, _ := logs.ParseLevel(word)
		return l
	case key == "s":
		return logs.LevelUnknown
	}
	return s.number(int(n), key)
}

// plainWord is a level word without the colours of winston's colorize.
func plainWord(word string) string {
	if strings.IndexByte(word, 0x1b) < 0 {
		return word
	}
	return string(Visible([]byte(word), nil))
}

// number is the level of a number: OTLP uses 1 to 24, Nextcloud 0 (debug) to 4 (fatal),
// syslog, journald and GELF 0 (emergency) to 7 (debug), pino and bunyan multiples of
// ten.
func (s scale) number(n int, key string) logs.Level {
	switch {
	case key == "severitynumber" || s == otlpScale && key == "severity":
		return [...]logs.Level{logs.LevelVerbose, logs.LevelDebug, logs.LevelInfo, logs.LevelWarn, logs.LevelError,
			logs.LevelFatal}[min(max(n-1, 0), 23)/4]
	case s == nextcloudScale && n >= 0 && n <= 4:
		return [...]logs.Level{logs.LevelDebug, logs.LevelInfo, logs.LevelWarn, logs.LevelError, logs.LevelFatal}[n]
	case n >= 1 && n <= 7 || n == 0 && key == "priority":
		return syslogLevels[n]
	}
	return logs.NumberLevel(n)
}

// nested reads the nested objects of the Elastic Common Schema.
func (r objectReader) nested(e *logs.Event, v jsontext.Pair, name, failed *string) {
	switch v.Key {
	case "log":
		if l, ok := jsontext.Find(v.Value, "level"); ok && e.Level == logs.LevelUnknown {
			e.Level, _ = logs.ParseLevel(plainWord(l))
		}
		if c, ok := jsontext.Find(v.Value, "logger"); ok && e.Context == "" {
			e.Context = c
		}
	case "context": // roarr
		if l, ok := jsontext.Find(v.Value, "logLevel"); ok && e.Level == logs.LevelUnknown {
			if n, err := strconv.Atoi(l); err == nil {
				e.Level, r.p.read.numbered = logs.NumberLevel(n), true
			}
		}
		if n, ok := jsontext.Find(v.Value, "package"); ok && *name == "" {
			*name = n
		}
	case "service":
		if n, ok := jsontext.Find(v.Value, "name"); ok && *name == "" {
			*name = n
		}
	case "@fields": // winston's logstash form
		for _, key := range [...]string{"level", "lvl"} {
			if l, ok := jsontext.Find(v.Value, key); ok && e.Level == logs.LevelUnknown {
				e.Level, _ = logs.ParseLevel(plainWord(l))
			}
		}
		if m, ok := jsontext.Find(v.Value, "msg"); ok && e.Message == "" {
			e.Message = m
		}
		if c, ok := jsontext.Find(v.Value, "context"); ok && e.Context == "" {
			e.Context = c
		}
	case "error":
		if m, ok := jsontext.Find(v.Value, "message"); ok {
			*failed = m
		}
	}
}

// business fills in an event of the business format, which has a type instead of a
// message and no level.
func business(e *logs.Event, kind string) {
	e.Message = kind
	if user, ok := e.Field("userName"); ok && user != "" {
		e.Message += " · " + user
	}
	if e.Level == logs.LevelUnknown {
		e.Level = logs.LevelInfo
	}
}

// businessType is the type of an event in the business format.
func businessType(e *logs.Event) (string, bool) {
	if e.Format != logs.FormatJSON {
		return "", false
	}
	typ, ok := e.Field("type")
	return typ, ok && typ != "" && (e.Message == typ || strings.HasPrefix(e.Message, typ+" · "))
}

// docker reads a line of the json-file driver: log, stream and time. If the inner line
// continues an event, so does this one.
func (r objectReader) docker(line string, pairs []jsontext.Pair) (e logs.Event, ms int64, kind Kind, ok bool) {
	if pairs[0].Key != "log" || len(pairs) < 3 || pairs[1].Key != "stream" {
		return e, Unset, KindPlain, false
	}
	log, stderr, at, ok := dockerParts(line)
	inner := strings.TrimRight(jsontext.Text(log), "\r\n")
	if !ok || strings.HasPrefix(inner, dockerLead) {
		return e, Unset, KindPlain, false
	}
	e, ms, kind = r.p.one(Visible([]byte(inner), nil))
	if ms == Unset {
		ms = r.p.value(at)
	}
	r.p.read.numbered = r.p.read.numbered || e.Format == logs.FormatJSON // the quotes inside are escaped
	e.Fields = append(e.Fields, logs.Field{Key: "stream", Value: streamName(stderr), JSON: true})
	return e, ms, kind, true
}

// pm2 reads a line of PM2's log_type json: the text of one write, its time and the
// process. The text is parsed like any line; a text of several lines keeps them, and has
// the most serious level of the events in it.
func (r objectReader) pm2(pairs []jsontext.Pair) (e logs.Event, ms int64, kind Kind, ok bool) {
	var text, at, app string
	for _, v := range pairs {
		switch v.Key {
		case "message":
			text = v.Value
		case "timestamp":
			at = v.Value
		case "app_name":
			app = v.Value
		case "type", "process_id":
		default:
			return e, Unset, KindPlain, false
		}
	}
	if len(pairs) < 4 || text == "" || text[0] != '"' || at == "" || app == "" {
		return e, Unset, KindPlain, false
	}
	inner := strings.TrimRight(jsontext.Text(text), "\r\n")
	first, rest, _ := strings.Cut(inner, "\n")
	e, _, _ = r.p.one(Visible([]byte(first), nil))
	r.p.read.numbered = r.p.read.numbered || e.Format == logs.FormatJSON // the quotes inside are escaped
	if rest != "" {
		rest = string(Visible([]byte(rest), nil))
		e.Level = max(e.Level, worstOf(rest, r.p))
		e.Message += "\n" + rest
	}
	if e.Format == logs.FormatUnknown {
		e.Format = logs.FormatJSON
	}
	e.Fields = append(e.Fields, logs.Field{Key: "app_name", Value: app, JSON: true})
	return e, r.jsonTime(at), KindHead, true
}

// worstOf is the most serious level of the lines of text that begin events with a time of
// their own: a program that writes several events at once.
func worstOf(text string, p *Parser) logs.Level {
	worst := logs.LevelUnknown
	for line := range strings.SplitSeq(text, "\n") {
		e, ms, kind := p.one([]byte(line))
		p.read.numbered = p.read.numbered || e.Format == logs.FormatJSON // the quotes inside are escaped
		if kind == KindHead && ms != Unset {
			worst = max(worst, e.Level)
		}
	}
	return worst
}
