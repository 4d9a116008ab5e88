package line

import "bytes"

// tookName ends the names of fields that hold how long an operation took; rare is the index
// of the letter that is rarest in logs, by which it is looked for.
type tookName struct {
	text []byte
	rare int
}

// tookNames are those of "took", "durationMs", "request_duration", "latency_ms". Their first
// letter may be a capital.
var tookNames = [...]tookName{
	{[]byte("took"), 3}, {[]byte("uration"), 0}, {[]byte("lapsed"), 2}, {[]byte("atency"), 5},
	{[]byte("esponseTime"), 7}, {[]byte("esponse_time"), 7},
}

// next is the index after the name in text, or -1.
func (n *tookName) next(text []byte) int {
	for from := n.rare; ; {
		if from >= len(text) {
			return -1
		}
		i := bytes.IndexByte(text[from:], n.text[n.rare])
		if i < 0 {
			return -1
		}
		begin := from + i - n.rare
		end := begin + len(n.text)
		if end <= len(text) && bytes.Equal(text[begin:end], n.text) {
			return end
		}
		from += i + 1
	}
}

// namedTook reads the longest duration after one of those names: "took":1500, elapsed=1.2s,
// "durationMs": 1500, "latency":"1.2s". A number without a unit counts only where the
// name says that it is ms, as took does: others write seconds or ns. It is -1 without one.
func namedTook(text []byte, name *tookName) (ms int64) {
	ms = -1
	for rest := text; ; {
		end := name.next(rest)
		if end < 0 {
			return ms
		}
		rest = rest[end:]
		ms = max(ms, tookAfter(rest, len(name.text) == len("took")))
	}
}

// tookAfter reads the value after a name; millis says that the name says ms.
func tookAfter(b []byte, millis bool) int64 {
	for _, end := range [...]string{"_ms", "Ms", "_millis", "Millis"} {
		if after, ok := bytes.CutPrefix(b, []byte(end)); ok {
			b, millis = after, true
			break
		}
	}
	b = bytes.TrimPrefix(b, []byte{'"'})
	if len(b) < 2 || b[0] != ':' && b[0] != '=' {
		return -1
	}
	b = b[1:min(len(b), 40)]
	for len(b) > 0 && (b[0] == ' ' || b[0] == '"') {
		b = b[1:]
	}
	if v, ok := wholeNumber(b); ok {
		if millis {
			return v
		}
		return -1
	}
	if v := duration(b); v >= 0 {
		return v
	}
	if end := bytes.IndexAny(b, `",;)]} `); end >= 0 {
		b = b[:end]
	}
	v, unit, ok := Quantity(string(b))
	if !ok || v < 0 || unit == Bytes || unit == Plain && !millis {
		return -1
	}
	return int64(v)
}

// wholeNumber reads "1500" before the end of a value.
func wholeNumber(b []byte) (v int64, ok bool) {
	n := 0
	for n < len(b) && n < 15 && Digit(b[n]) {
		v = v*10 + int64(b[n]-'0')
		n++
	}
	return v, n > 0 && n < len(b) && (b[n] == ',' || b[n] == '}')
}

// ginTook reads the duration of "[GIN] 2026/01/29 - 12:00:00 | 200 |     1.2345s | …", or -1.
func ginTook(text []byte) int64 {
	if !bytes.HasPrefix(text, []byte("[GIN] ")) {
		return -1
	}
	columns := bytes.SplitN(text, []byte{'|'}, 4)
	if len(columns) < 4 {
		return -1
	}
	v, unit, ok := Quantity(string(columns[2]))
	if !ok || unit != Millis {
		return -1
	}
	return int64(v)
}

// railsTook reads "Completed 200 OK in 1512ms" of Rails, or -1.
func railsTook(text []byte) int64 {
	at := bytes.Index(text, []byte("Completed "))
	if at < 0 {
		return -1
	}
	rest := text[at+len("Completed "):]
	if len(rest) < 4 || !allDigits(rest[:3]) || rest[3] != ' ' {
		return -1
	}
	in := bytes.Index(rest[:min(len(rest), 64)], []byte(" in "))
	if in < 0 {
		return -1
	}
	return duration(rest[in+len(" in "):])
}
