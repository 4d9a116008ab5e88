package line

import "testing"

func TestQuantitiesAreReadWithTheirUnits(t *testing.T) {
	for text, want := range map[string]struct {
		v float64
		u Unit
	}{
		"63": {63, Plain}, "1.5e3": {1500, Plain}, "-4": {-4, Plain}, "800ms": {800, Millis}, "1.2s": {1200, Millis},
		"1.2 s": {1200, Millis}, "250µs": {0.25, Millis}, "250us": {0.25, Millis}, "1m30s": {90_000, Millis},
		"2h 5m": {7_500_000, Millis}, "-3s": {-3000, Millis}, "10 minutes": {600_000, Millis}, "3 秒": {3000, Millis},
		"12B": {12, Bytes}, "12 kB": {12288, Bytes}, "1.5MiB": {1572864, Bytes}, "300 bytes": {300, Bytes},
	} {
		if v, u, ok := Quantity(text); !ok || u != want.u || v != want.v {
			t.Errorf("%s is %v of unit %d, %v; want %v of unit %d", text, v, u, ok, want.v, want.u)
		}
	}
	for _, text := range []string{"", "NaN", "Inf", "-", "1,5", "twelve", "ms", "5 apples", "1.2.3s", "3kB4kB", "5s3", "1e999"} {
		if v, u, ok := Quantity(text); ok {
			t.Errorf("%q is the quantity %v of unit %d", text, v, u)
		}
	}
	for name, want := range map[string]Unit{
		"took": Millis, "req.duration_ms": Millis, "elapsedMs": Millis, "items": Plain, "terms": Plain, "bytes_sent": Bytes,
		"bodyBytes": Bytes, "took_s": Plain,
	} {
		if got := UnitOf(name); got != want {
			t.Errorf("%s has unit %d, want %d", name, got, want)
		}
	}
}
