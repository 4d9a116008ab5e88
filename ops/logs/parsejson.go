package logs

import (
	"strconv"
	"strings"
)

// The keys that carry what every event has, by the loggers that write them:
// the field's own forms, pino, winston, bunyan, docker's json-file, zap and the
// Elastic Common Schema, whose names may be nested too.
var (
	timeKeys    = map[string]bool{"timestamp": true, "time": true, "ts": true, "@timestamp": true, "datetime": true}
	levelKeys   = map[string]bool{"level": true, "severity": true, "lvl": true, "levelname": true, "log.level": true}
	messageKeys = map[string]bool{"message": true, "msg": true}
	contextKeys = map[string]bool{"context": true, "logger": true, "module": true, "component": true, "service": true, "log.logger": true}
)

// json reads one line that is one JSON object.
func (p *Parser) json(line string) (e Event, ms int64, kind Kind, ok bool) {
	pairs, ok := jsonPairs(line)
	if !ok || len(pairs) == 0 {
		return e, unset, KindPlain, false
	}
	if inner, ms, kind, ok := p.docker(line, pairs); ok {
		return inner, ms, kind, true
	}
	e.Format, ms = FormatJSON, unset
	var name, typ, failed string
	for _, v := range pairs {
		value := jsonText(v.value)
		quoted := v.value[0] == '"'
		nested := v.value[0] == '{' || v.value[0] == '['
		switch {
		case timeKeys[v.key] && ms == unset && !nested:
			ms = p.value(value)
			continue
		case levelKeys[v.key] && e.Level == LevelUnknown && !nested:
			e.Level = jsonLevel(v.key, v.value)
			continue
		case messageKeys[v.key] && e.Message == "" && !nested:
			e.Message = value
			continue
		case contextKeys[v.key] && e.Context == "" && quoted:
			e.Context = value
			continue
		case (v.key == "name" || v.key == "service.name") && quoted:
			name = value
		case v.key == "error.message" && quoted:
			failed = value
		case nested && v.value[0] == '{':
			p.nested(&e, v, &name, &failed)
		case v.key == "type" && quoted:
			typ = value
		}
		e.Fields = append(e.Fields, Field{Key: v.key, Value: v.value, JSON: true})
	}
	if e.Context == "" {
		e.Context = name // bunyan and pino call the logger so
	}
	if e.Message == "" && typ == "" {
		e.Message = failed
	}
	if typ != "" && e.Message == "" {
		business(&e, typ)
	}
	return e, ms, KindHead, true
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

// jsonLevel reads a level's word, or pino's number, which only "level" has.
func jsonLevel(key, value string) Level {
	if l, ok := ParseLevel(jsonText(value)); ok {
		return l
	}
	if n, err := strconv.Atoi(value); err == nil && key == "level" {
		return numberLevel(n)
	}
	return LevelUnknown
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
