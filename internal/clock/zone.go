package clock

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var offsetForm = regexp.MustCompile(`^([+-])(\d{1,2}):(\d{2})$`)

// ParseZone reads a time zone as configurations name it: Asia/Shanghai, +08:00,
// UTC, or local for this machine's.
func ParseZone(name string) (*time.Location, error) {
	if name == "local" {
		return time.Local, nil
	}
	m := offsetForm.FindStringSubmatch(name)
	if m == nil {
		return time.LoadLocation(name)
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi(m[3])
	if hours > 14 || minutes > 59 {
		return nil, fmt.Errorf("no place on earth is %s from UTC", name)
	}
	if minutes += hours * 60; m[1] == "-" {
		minutes = -minutes
	}
	return FixedZone(minutes), nil
}

// FixedZone is a zone that is known by its distance from UTC alone.
func FixedZone(minutes int) *time.Location {
	sign := '+'
	if minutes < 0 {
		sign = '-'
	}
	return time.FixedZone(fmt.Sprintf("UTC%c%02d:%02d", sign, max(minutes, -minutes)/60, max(minutes, -minutes)%60),
		minutes*60)
}
