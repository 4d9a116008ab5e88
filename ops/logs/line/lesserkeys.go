package line

import (
	"strings"

	"opsdeck/internal/jsontext"
	"opsdeck/ops/logs"
)

// lesserKeys fills what the usual keys of a JSON line left out: the time from a key
// whose name ends like one ("EdgeStartTimestamp", "started_at"), the level from the
// status of a request ("status" next to "uri", as in nginx's JSON access logs).
func (r objectReader) lesserKeys(e *logs.Event, ms *int64, pairs []jsontext.Pair) {
	if *ms != Unset && e.Level != logs.LevelUnknown {
		return
	}
	request, status := false, ""
	for _, v := range pairs {
		key := lowerKey(v.Key)
		switch {
		case *ms == Unset && timeName(key) && v.Value[0] != '{':
			*ms = r.jsonTime(v.Value)
		case strings.HasSuffix(key, "status") || key == "status_code" || key == "statuscode":
			if status == "" {
				status = jsontext.Text(v.Value)
			}
		case requestName(key):
			request = true
		case v.Value[0] == '{' && (key == "response" || key == "res"):
			request = true
			for _, name := range [...]string{"status", "statusCode"} {
				if s, ok := jsontext.Find(v.Value, name); ok && status == "" {
					status = s
				}
			}
		}
	}
	if e.Level == logs.LevelUnknown && request {
		before := len(e.Fields)
		r.p.status(e, []byte(status))
		e.Fields = e.Fields[:before] // it is a field already
	}
}

func timeName(key string) bool {
	if key == "msec" { // nginx
		return true
	}
	for _, end := range [...]string{"timestamp", "_at", "time", "_ts", "date"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return false
}

func requestName(key string) bool {
	switch key {
	case "request", "uri", "url", "request_uri", "method", "request_method", "path", "req", "http_method":
		return true
	}
	return strings.HasSuffix(key, "requesturi") || strings.HasSuffix(key, "requestmethod")
}

// requested is what a line of an access log in JSON is about, which has no message: its
// request, or the method and the path.
func requested(pairs []jsontext.Pair) string {
	method, path := "", ""
	for _, v := range pairs {
		if v.Value[0] != '"' {
			continue
		}
		switch lowerKey(v.Key) {
		case "request":
			return jsontext.Text(v.Value)
		case "method", "request_method", "http_method":
			method = jsontext.Text(v.Value)
		case "uri", "url", "request_uri", "path":
			path = jsontext.Text(v.Value)
		}
	}
	if path == "" {
		return ""
	}
	return strings.TrimSpace(method + " " + path)
}

// otlp reads the first record of a line that the OpenTelemetry Collector's file exporter
// writes: {"resourceLogs":[{"resource":…,"scopeLogs":[{"scope":…,"logRecords":[…]}]}]}.
func (r objectReader) otlp(value string) (e logs.Event, ms int64, ok bool) {
	at := strings.Index(value, `"logRecords":[`)
	if at < 0 {
		return e, Unset, false
	}
	record := value[at+len(`"logRecords":[`):]
	end := objectEnd(record)
	if end < 0 {
		return e, Unset, false
	}
	pairs, ok := jsontext.Pairs(record[:end])
	if !ok {
		return e, Unset, false
	}
	e.Format, ms = logs.FormatJSON, Unset
	of := parts{scale: otlpScale}
	for _, v := range pairs {
		switch {
		case v.Key == "body" && v.Value[0] == '{':
			e.Message, _ = jsontext.Find(v.Value, "stringValue")
		case v.Key == "attributes" && v.Value[0] == '[':
			e.Fields = append(e.Fields, otlpAttributes(v.Value)...)
		case !r.pair(&e, &ms, v, &of):
			e.Fields = append(e.Fields, logs.Field{Key: v.Key, Value: v.Value, JSON: true})
		}
	}
	r.p.read.numbered = of.levelKey != ""
	if name, ok := jsontext.Find(value[:at], "name"); ok {
		e.Context = name
	}
	return e, ms, true
}

// otlpAttributes reads [{"key":"orderId","value":{"intValue":"456"}}] as fields.
func otlpAttributes(list string) (fields []logs.Field) {
	for rest := strings.TrimLeft(list[1:], " "); strings.HasPrefix(rest, "{"); {
		end := objectEnd(rest)
		if end < 0 {
			return fields
		}
		pair, ok := jsontext.Pairs(rest[:end])
		rest = strings.TrimLeft(rest[end:], ", ")
		if !ok || len(pair) != 2 || pair[0].Key != "key" || pair[1].Key != "value" || pair[1].Value[0] != '{' {
			continue
		}
		if value, ok := jsontext.Pairs(pair[1].Value); ok && len(value) == 1 {
			fields = append(fields, logs.Field{Key: jsontext.Text(pair[0].Value), Value: value[0].Value, JSON: true})
		}
	}
	return fields
}

// objectEnd is the index after the JSON object at the beginning of s, or -1.
func objectEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			end := jsontext.StringEnd(s[i:], 0)
			if end < 0 {
				return -1
			}
			i += end - 1
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		if depth == 0 {
			return -1
		}
	}
	return -1
}
