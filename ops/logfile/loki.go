package logfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// lokiAPI is Loki's HTTP API, as of version 3: GET /loki/api/v1/query_range with query,
// start and end in ns, limit and direction; data.result in the response is a list of
// streams with values of [ns as text, line].
type lokiAPI struct{}

// lokiLimit is the default maximum number of lines in a response from Loki.
const lokiLimit = 5000

func (lokiAPI) traits() serverTraits {
	return serverTraits{
		program: "Loki",
		all:     `{job=~".+"}`,
		limit:   lokiLimit,
		lag:     2 * time.Second,
		example: `http://HOST:3100?query={app="NAME"}`,
	}
}

func (lokiAPI) page(ctx context.Context, l *server, f *Filter, from, to time.Time, newest bool) ([]entry, error) {
	v := url.Values{
		"query":     {f.logQL(l.selector)},
		"start":     {strconv.FormatInt(from.UnixNano(), 10)},
		"end":       {strconv.FormatInt(to.UnixNano(), 10)},
		"limit":     {strconv.Itoa(lokiLimit)},
		"direction": {"forward"},
	}
	if newest {
		v.Set("direction", "backward")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/loki/api/v1/query_range?"+v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels") // labels without those of single lines
	body, err := l.ask(req)
	if err != nil {
		return nil, err
	}
	return lokiEntries(body)
}

func lokiEntries(body []byte) ([]entry, error) {
	var answer struct {
		Data struct {
			Result []lokiStream `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read Loki's response: %w", err)
	}
	return inOrder(answer.Data.Result)
}

// lokiStream is a stream of a response: values of [ns as text, line, …].
type lokiStream struct {
	Stream map[string]string   `json:"stream"`
	Values [][]json.RawMessage `json:"values"`
}

// inOrder merges the streams into one list, in time order.
func inOrder(streams []lokiStream) (out []entry, err error) {
	for _, s := range streams {
		name := fmt.Sprint(s.Stream) // keys are sorted
		for _, v := range s.Values {
			var ns, line string
			if len(v) < 2 || json.Unmarshal(v[0], &ns) != nil || json.Unmarshal(v[1], &line) != nil {
				return nil, errors.New("read Loki's response: a value is not [time, line]")
			}
			n, err := strconv.ParseInt(ns, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read Loki's response: %w", err)
			}
			out = append(out, entry{ns: n, line: strings.TrimRight(line, "\n"), stream: name})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].ns < out[j].ns })
	return out, nil
}

// lokiTailed is a message of the tail: GET /loki/api/v1/tail of Loki 3.
type lokiTailed struct {
	Streams []lokiStream `json:"streams"`
	Dropped []struct {
		Timestamp string            `json:"timestamp"`
		Labels    map[string]string `json:"labels"`
	} `json:"dropped_entries"`
}

// tail reads messages of Loki's web socket until the connection ends.
func (lokiAPI) tail(ctx context.Context, l *server, at place, take func([]entry, int64) error) error {
	v := url.Values{
		"query": {l.selector},
		"start": {strconv.FormatInt(at.from.UnixNano(), 10)},
		"limit": {strconv.Itoa(lokiLimit)},
	}
	dialling, cancel := context.WithTimeout(ctx, 10*time.Second)
	conn, _, err := websocket.Dial(
		dialling,
		strings.Replace(l.base, "http", "ws", 1)+"/loki/api/v1/tail?"+v.Encode(),
		&websocket.DialOptions{HTTPHeader: l.headers},
	)
	cancel()
	if err != nil {
		return errNoTail
	}
	defer conn.CloseNow()
	conn.SetReadLimit(256 << 20)
	for {
		_, body, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var m lokiTailed
		if err := json.Unmarshal(body, &m); err != nil {
			return fmt.Errorf("read Loki's tail: %w", err)
		}
		entries, err := inOrder(m.Streams)
		if err != nil {
			return err
		}
		if err := take(entries, int64(len(m.Dropped))); err != nil {
			return err
		}
	}
}
