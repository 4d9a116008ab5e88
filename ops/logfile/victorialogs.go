package logfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/jsontext"
)

// victoriaAPI is the HTTP API of VictoriaLogs 1.x: POST /select/logsql/query and
// /select/logsql/tail with a LogsQL query return one JSON object per line, whose _time,
// _msg, _stream and _stream_id are its own fields.
type victoriaAPI struct{}

const victoriaLimit = 5000

func (victoriaAPI) traits() serverTraits {
	return serverTraits{
		program: "VictoriaLogs",
		all:     "*",
		limit:   victoriaLimit,
		lag:     2 * time.Second, // lines are searchable a second after they arrive
		example: `http://HOST:9428?query={app="NAME"}`,
	}
}

// victoriaText is a temporary query field with everything that a shown line can contain.
const victoriaText = "opsdeck_text"

// logsQL is the query with the conditions on lines. A word may be in any field and a fuzzy
// one in several, so the filter applies to the whole record as text.
func (f *Filter) logsQL(selector string) string {
	if !f.narrows() {
		return selector
	}
	q := selector + " | pack_json as " + victoriaText +
		` | format "<_time> <_msg> <` + victoriaText + `>" as ` + victoriaText
	for _, text := range f.Contains {
		q += " | filter " + victoriaText + ":~" + strconv.Quote(text) // letters and digits only
	}
	for _, re := range f.Matches {
		q += " | filter " + victoriaText + ":~" + strconv.Quote("(?s)"+re)
	}
	return q + " | delete " + victoriaText
}

func (victoriaAPI) page(ctx context.Context, l *server, f *Filter, from, to time.Time, newest bool) ([]entry, error) {
	order := "_time"
	if newest {
		order = "_time desc"
	}
	form := url.Values{"query": {fmt.Sprintf(
		"_time:[%s, %s) %s | sort by (%s) limit %d",
		from.UTC().Format(time.RFC3339Nano),
		to.UTC().Format(time.RFC3339Nano),
		f.logsQL(l.selector),
		order,
		victoriaLimit,
	)}}
	req, err := victoriaRequest(ctx, l, "query", form)
	if err != nil {
		return nil, err
	}
	body, err := l.ask(req)
	if err != nil {
		return nil, err
	}
	var out []entry
	var same victoriaSame
	for row := range bytes.Lines(body) {
		e, ok, err := victoriaEntry(row)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, same.number(e))
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int { return int(min(max(a.ns-b.ns, -1), 1)) })
	return out, nil
}

func victoriaRequest(ctx context.Context, l *server, what string, form url.Values) (*http.Request, error) {
	body := strings.NewReader(form.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/select/logsql/"+what, body)
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}

// victoriaSame counts identical records, which VictoriaLogs stores as often as they
// arrive.
type victoriaSame map[string]int

func (s *victoriaSame) number(e entry) entry {
	if *s == nil || len(*s) > seenMax {
		*s = victoriaSame{}
	}
	id := strconv.FormatInt(e.ns, 36) + e.key
	(*s)[id]++
	if n := (*s)[id]; n > 1 {
		e.key += "#" + strconv.Itoa(n)
	}
	return e
}

// victoriaEntry parses a record: its message as a line if it has nothing but its stream,
// else all of it as JSON. An empty line, which keeps a tail's connection alive, is no
// entry.
func victoriaEntry(row []byte) (e entry, ok bool, err error) {
	if row = bytes.TrimSpace(row); len(row) == 0 {
		return e, false, nil
	}
	var own struct {
		Time   string `json:"_time"`
		Msg    string `json:"_msg"`
		Stream string `json:"_stream"`
		ID     string `json:"_stream_id"`
	}
	if err := json.Unmarshal(row, &own); err != nil {
		return e, false, fmt.Errorf("read the response of VictoriaLogs: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, own.Time)
	if err != nil {
		return e, false, fmt.Errorf("read the response of VictoriaLogs: _time: %w", err)
	}
	labels := own.Stream
	e = entry{ns: at.UnixNano(), stream: own.ID + labels, key: own.ID + string(row), line: own.Msg}
	if shown, more := victoriaRecord(row, labels); more {
		e.line = shown
	}
	e.line = strings.TrimRight(e.line, "\n")
	return e, true, nil
}

// victoriaRecord is the record without the ids of its stream; more tells whether it has
// more than a message, a time and the labels of its stream.
func victoriaRecord(row []byte, labels string) (shown string, more bool) {
	var out strings.Builder
	pairs, _ := jsontext.Pairs(string(row))
	for _, pair := range pairs {
		if pair.Key == "_stream" || pair.Key == "_stream_id" {
			continue
		}
		label := pair.Key + "=" + pair.Value // {app="web",host="a"}
		more = more || pair.Key != "_msg" && pair.Key != "_time" && !strings.Contains(labels, label)
		if out.Len() == 0 {
			out.WriteByte('{')
		} else {
			out.WriteByte(',')
		}
		key, _ := json.Marshal(pair.Key)
		out.Write(key)
		out.WriteByte(':')
		out.WriteString(pair.Value)
	}
	return out.String() + "}", more
}

// tail reads VictoriaLogs' live tail. Lines come in time order a second after they are
// searchable.
func (victoriaAPI) tail(ctx context.Context, l *server, at place, take func([]entry, int64) error) error {
	form := url.Values{
		"query":        {l.selector},
		"start_offset": {fmt.Sprintf("%dms", max(l.now().Sub(at.from), 0).Milliseconds()+1000)},
		"offset":       {"1s"},
	}
	req, err := victoriaRequest(ctx, l, "tail", form)
	if err != nil {
		return err
	}
	lasting := *l.client
	lasting.Timeout = 0
	resp, err := l.send(&lasting, req)
	if err != nil {
		return errNoTail
	}
	defer resp.Body.Close()
	var same victoriaSame
	in := bufio.NewReaderSize(resp.Body, 256<<10)
	for {
		batch, err := victoriaBatch(in, &same)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(batch) > 0 {
			if err := take(batch, 0); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// victoriaBatch waits for a record and reads it with those already available.
func victoriaBatch(in *bufio.Reader, same *victoriaSame) (out []entry, err error) {
	for {
		row, err := in.ReadBytes('\n')
		if err != nil {
			return out, err
		}
		e, ok, err := victoriaEntry(row)
		if err != nil {
			return out, err
		}
		if ok {
			out = append(out, same.number(e))
		}
		if in.Buffered() == 0 || len(out) >= victoriaLimit {
			return out, nil
		}
	}
}
