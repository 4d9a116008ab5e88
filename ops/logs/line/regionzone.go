package line

import (
	"bytes"
	"sync"
	"time"
)

// regions are the zones that were asked for by name; nil for names that this machine does
// not know.
var regions sync.Map // string → *time.Location

// areas are the first parts of such names (the tz database's files).
var areas = map[string]bool{
	"Africa": true, "America": true, "Antarctica": true, "Arctic": true, "Asia": true, "Atlantic": true,
	"Australia": true, "Europe": true, "Indian": true, "Pacific": true, "Etc": true, "US": true,
}

// regionZone reads "Asia/Shanghai", up to end, at the beginning of b, as PHP writes the zone
// after a time in brackets, and returns the zone, nil when it is unknown here, and the length
// of its name.
func regionZone(b []byte, end byte) (zone *time.Location, n int) {
	n = bytes.IndexByte(b[:min(len(b), 40)], end)
	if n < 3 {
		return nil, 0
	}
	if slash := bytes.IndexByte(b[:n], '/'); slash < 1 || end == ' ' && !areas[string(b[:slash])] {
		return nil, 0
	}
	for _, c := range b[:n] {
		if !Alnum[c] && bytes.IndexByte([]byte("/_-+"), c) < 0 {
			return nil, 0
		}
	}
	name := string(b[:n])
	if z, ok := regions.Load(name); ok {
		return z.(*time.Location), n
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil
	}
	regions.Store(name, zone)
	return zone, n
}

// regional reads the time of "[29-Jan-2026 12:00:00 Asia/Shanghai]", or of the same without
// brackets, whose clock ends at i; end is where the zone ends, i without one. A zone that is
// unknown here leaves the time unknown.
func regional(p *Parser, line []byte, ms int64, i int) (at int64, end int) {
	if i+4 > len(line) || line[i] != ' ' {
		return ms, i
	}
	from, closing := 0, byte(' ')
	if line[0] == '[' {
		from, closing = 1, ']'
	}
	zone, n := regionZone(line[i+1:], closing)
	if n == 0 {
		return ms, i
	}
	p.read.zoned = true
	if zone == nil {
		return Unset, i + 1 + n
	}
	own := p.Zone
	p.setZone(zone)
	at, _ = p.AnyTime(line[from:i])
	p.setZone(own)
	return at, i + 1 + n
}
