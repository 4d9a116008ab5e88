package binlog

import (
	"net/netip"
	"strings"
)

// typedSize are MariaDB's types that are logged as BINARY(n), by n in bytes.
//
// MariaDB Server, sql/sql_type_fixedbin.h, "FixedBinTypeBundle".
var typedSize = map[string]int{"uuid": 16, "inet6": 16, "inet4": 4}

// typedText renders a logged value of one of these types as text that the server reads.
func typedText(b []byte, dataType string) []byte {
	b = padded(b, typedSize[dataType])
	if dataType == "uuid" {
		return []byte(uuidText(b))
	}
	addr, ok := netip.AddrFromSlice(b)
	if !ok {
		return b
	}
	return []byte(addr.String())
}

// sameTyped compares two texts of one type. An address has several texts.
func sameTyped(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}
