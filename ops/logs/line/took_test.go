package line

import "testing"

// TestADurationIsReadAfterItsName: by the names that programs use, and only where the unit
// is certain.
func TestADurationIsReadAfterItsName(t *testing.T) {
	for text, want := range map[string]int64{
		"saved, took 1500ms":                         1500,
		`{"msg":"x","took":1500}`:                    1500,
		`{"msg":"x","took": "1500"}`:                 1500,
		`{"msg":"x","took_ms":1500.7,"n":2}`:         1500,
		`{"msg":"x","durationMs":1500}`:              1500,
		`{"msg":"x","request_duration_ms":1500}`:     1500,
		`{"msg":"x","latency":"1.5s"}`:               1500,
		`{"elapsed":"250ms","elapsedMillis":1500}`:   1500,
		"level=info msg=x elapsed=1.5s":              1500,
		"level=info msg=x duration=1500ms.":          1500,
		"客户已更新, elapsed=1500ms":                      1500,
		"took=1500":                                  1500,
		"Duration: 1500 ms":                          1500,
		"Completed 200 OK in 1512ms (Views: 1.0ms)":  1512,
		"Completed 500 Internal Server Error in 3ms": 3,
		// Seconds, ns or something else: not known.
		`{"msg":"x","duration":1500}`:    -1,
		`{"msg":"x","latency":1500000}`:  -1,
		`{"timeout_ms":30000}`:           -1,
		`{"timestamp_ms":1769688000000}`: -1,
		"took=1500us":                    1,
		"duration=1m30.5s":               90500,
		"duration=3MB":                   -1,
		"it took long":                   -1,
		"the duration was 1500ms":        -1,
		"Completed 3 of 5 in 1500ms":     -1,
		"Completed the work in 1500ms":   -1,
		`[GIN] 2026/01/29 - 12:00:00 | 200 |     1.2345s |  127.0.0.1 | GET "/"`: 1234,
		`[GIN] 2026/01/29 - 12:00:00 | 200 |     1m2s |  127.0.0.1 | GET "/"`:    62000,
		`[GIN] 2026/01/29 - 12:00:00 | 200 | x |  127.0.0.1 | GET "/"`:           -1,
		"duration=": -1,
	} {
		if got := Took([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
