package logs

import (
	"strconv"
	"strings"
)

// The keys that carry what every event has, in lower case, by the loggers that write
// them: the field's own forms, pino, winston (its logstash form too), bunyan, docker's
// json-file, zap, log4j2, logback, Python, Serilog's CLEF, GELF, journald, OTLP, MongoDB
// and the Elastic Common Schema, whose names may be nested too.
var (
	timeKeys = map[string]bool{
		"timestamp": true, "time": true, "ts": true, "@timestamp": true, "datetime": true, "@t": true, "t": true,
		"eventtime": true, "date": true, "asctime": true, "timemillis": true, "instant": true,
		"__realtime_timestamp": true, "timeunixnano": true,
	}
	levelKeys = map[string]bool{
		"level": true, "severity": true, "lvl": true, "levelname": true, "log.level": true, "@l": true,
		"priority": true, "severitytext": true, "severitynumber": true, "s": true, "loglevel": true,
	}
	messageKeys = map[string]bool{
		"message": true, "msg": true, "@m": true, "@mt": true, "@message": true, "short_message": true, "body": true,
	}
	contextKeys = map[string]bool{
		"context": true, "logger": true, "module": true, "component": true, "service": true, "log.logger": true,
		"syslog_identifier": true, "logger_name": true, "loggername": true, "sourcecontext": true,
	}
)

// lowerKey is a key in lower case; most are.
func lowerKey(key string) string {
	for i := range len(key) {
		if key[i] >= 'A' && key[i] <= 'Z' {
			return strings.ToLower(key)
		}
	}
	return key
}

// parts are what a JSON line says of itself in more than one place.
type parts struct {
	name, typ, failed string
	scale             scale
}

// json reads one line that is one JSON object.
func (p *Parser) json(line string) (e Event, ms int64, kind Kind, ok bool) {
	pairs, ok := jsonPairs(line)
	if !ok || len(pairs) == 0 {
		return e, unset, KindPlain, false
	}
	if inner, ms, kind, ok := p.docker(line, pairs); ok {
		return inner, ms, kind, true
	}
	if inner, ms, kind, ok := p.pm2(pairs); ok {
		return inner, ms, kind, true
	}
	e.Format, ms = FormatJSON, unset
	of := parts{scale: scaleOf(pairs)}
	for _, v := range pairs {
		if p.pair(&e, &ms, v, &of) {
			continue
		}
		e.Fields = append(e.Fields, Field{Key: v.key, Value: v.value, JSON: true})
	}
	if e.Context == "" {
		e.Context = of.name // bunyan and pino call the logger so
	}
	if e.Message == "" && of.typ == "" {
		e.Message = of.failed
	}
	if of.typ != "" && e.Message == "" {
		business(&e, of.typ)
	}
	return e, ms, KindHead, true
}

// pair takes from one pair what every event has; taken is false for what stays a
// field.
func (p *Parser) pair(e *Event, ms *int64, v pair, of *parts) (taken bool) {
	key := lowerKey(v.key)
	quoted := v.value[0] == '"'
	nested := v.value[0] == '{' || v.value[0] == '['
	switch {
	case timeKeys[key] && *ms == unset:
		*ms = p.jsonTime(v.value)
		return *ms != unset
	case levelKeys[key] && e.Level == LevelUnknown:
		e.Level = of.scale.level(key, v.value)
		return e.Level != LevelUnknown && !nested
	case messageKeys[key] && e.Message == "" && !nested:
		e.Message = jsonText(v.value)
		return true
	case contextKeys[key] && e.Context == "" && quoted:
		e.Context = jsonText(v.value)
		return true
	case (key == "name" || key == "service.name") && quoted:
		of.name = jsonText(v.value)
	case key == "error.message" && quoted:
		of.failed = jsonText(v.value)
	case nested && v.value[0] == '{':
		p.nested(e, v, &of.name, &of.failed)
	case key == "type" && quoted:
		of.typ = jsonText(v.value)
	}
	return false
}

// jsonTime reads a time out of a value: text, a number, MongoDB's {"$date": …} or log4j2's
// {"epochSecond": …, "nanoOfSecond": …}.
func (p *Parser) jsonTime(value string) int64 {
	if value[0] != '{' {
		return p.value(jsonText(value))
	}
	if date, ok := jsonFind(value, "$date"); ok {
		return p.value(date)
	}
	if seconds, ok := jsonFind(value, "epochSecond"); ok {
		nanos, _ := jsonFind(value, "nanoOfSecond")
		n, err := strconv.Atoi(nanos)
		if ms := p.value(seconds); ms != unset && err == nil {
			return ms + int64(n)/1_000_000
		}
	}
	return unset
}

// scale is what a number says of a level.
type scale uint8

const (
	pinoScale scale = iota // pino and bunyan: 10 is trace, 60 is fatal; below 8 it is syslog's
	nextcloudScale
	otlpScale
)

// scaleOf finds the scale by the keys that only one program writes.
func scaleOf(pairs []pair) scale {
	for _, v := range pairs {
		switch v.key {
		case "reqId":
			return nextcloudScale
		case "severityNumber":
			return otlpScale
		}
	}
	return pinoScale
}

// level reads a level's word, letter or number, or an object that has its name.
func (s scale) level(key, value string) Level {
	if value[0] == '{' {
		name, _ := jsonFind(value, "name")
		l, _ := ParseLevel(name)
		return l
	}
	word := jsonText(value)
	if len(word) == 1 {
		if l := letterLevels[word[0]]; l != LevelUnknown {
			return l
		}
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		l, _ := ParseLevel(word)
		return l
	}
	if key == "s" {
		return LevelUnknown
	}
	return s.number(int(n), key)
}

// number is the level of a number: OTLP counts 1 to 24, Nextcloud 0 (debug) to 4 (fatal),
// syslog, journald and GELF 0 (emergency) to 7 (debug), pino and bunyan in tens.
func (s scale) number(n int, key string) Level {
	switch {
	case key == "severitynumber" || s == otlpScale && key == "severity":
		return [...]Level{LevelVerbose, LevelDebug, LevelInfo, LevelWarn, LevelError, LevelFatal}[min(max(n-1, 0), 23)/4]
	case s == nextcloudScale && n >= 0 && n <= 4:
		return [...]Level{LevelDebug, LevelInfo, LevelWarn, LevelError, LevelFatal}[n]
	case n >= 1 && n <= 7 || n == 0 && key == "priority":
		return syslogLevels[n]
	}
	return numberLevel(n)
}

// nested takes what the Elastic Common Schema says in objects.
func (p *Parser) nested(e *Event, v pair, name, failed *string) {
	switch v.key {
	case "log":
		if l, ok := jsonFind(v.value, "level"); ok && e.Level == LevelUnknown {
			e.Level, _ = ParseLevel(l)
		}
		if c, ok := jsonFind(v.value, "logger"); ok && e.Context == "" {
			e.Context = c
		}
	case "service":
		if n, ok := jsonFind(v.value, "name"); ok && *name == "" {
			*name = n
		}
	case "@fields": // winston's logstash form
		if l, ok := jsonFind(v.value, "level"); ok && e.Level == LevelUnknown {
			e.Level, _ = ParseLevel(l)
		}
		if c, ok := jsonFind(v.value, "context"); ok && e.Context == "" {
			e.Context = c
		}
	case "error":
		if m, ok := jsonFind(v.value, "message"); ok {
			*failed = m
		}
	}
}

// business fills in the business form, which has a type instead of a message
// and no level.
func business(e *Event, kind string) {
	e.Message = kind
	if user, ok := e.Field("userName"); ok && user != "" {
		e.Message += " · " + user
	}
	if e.Level == LevelUnknown {
		e.Level = LevelInfo
	}
}

// businessType is the type of an event in the business form.
func businessType(e *Event) (string, bool) {
	if e.Format != FormatJSON {
		return "", false
	}
	typ, ok := e.Field("type")
	return typ, ok && typ != "" && (e.Message == typ || strings.HasPrefix(e.Message, typ+" · "))
}

// docker reads the json-file driver's wrapping: log, stream and time. A line
// inside that continues an event continues it.
func (p *Parser) docker(line string, pairs []pair) (e Event, ms int64, kind Kind, ok bool) {
	if pairs[0].key != "log" || len(pairs) < 3 || pairs[1].key != "stream" {
		return e, unset, KindPlain, false
	}
	log, stderr, at, ok := dockerParts(line)
	inner := strings.TrimRight(jsonText(log), "\r\n")
	if !ok || strings.HasPrefix(inner, dockerLead) {
		return e, unset, KindPlain, false
	}
	e, ms, kind = p.one(Visible([]byte(inner), nil))
	if ms == unset {
		ms = p.value(at)
	}
	e.Fields = append(e.Fields, Field{Key: "stream", Value: streamName(stderr), JSON: true})
	return e, ms, kind, true
}

// pm2 reads what PM2 writes with log_type json: the text of one write, its time, and the
// process. The text itself is read as any line; a text of several lines keeps them.
func (p *Parser) pm2(pairs []pair) (e Event, ms int64, kind Kind, ok bool) {
	var text, at, app string
	for _, v := range pairs {
		switch v.key {
		case "message":
			text = v.value
		case "timestamp":
			at = v.value
		case "app_name":
			app = v.value
		case "type", "process_id":
		default:
			return e, unset, KindPlain, false
		}
	}
	if len(pairs) < 4 || text == "" || text[0] != '"' || at == "" || app == "" {
		return e, unset, KindPlain, false
	}
	inner := strings.TrimRight(jsonText(text), "\r\n")
	first, rest, _ := strings.Cut(inner, "\n")
	e, _, _ = p.one(Visible([]byte(first), nil))
	if rest != "" {
		e.Message += "\n" + string(Visible([]byte(rest), nil))
	}
	if e.Format == FormatUnknown {
		e.Format = FormatJSON
	}
	e.Fields = append(e.Fields, Field{Key: "app_name", Value: app, JSON: true})
	return e, p.jsonTime(at), KindHead, true
}
