package listener

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// established is the state of an open connection in /proc/net/tcp.
const established = "01"

// Connected is how many open sockets of this machine are at either end of a connection to
// a TCP port. One between two programs of the machine counts twice.
func Connected(port int) (n int, err error) {
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 4 || f[3] != established {
				continue
			}
			if ends(f[1], port) || ends(f[2], port) {
				n++
			}
		}
	}
	return n, nil
}

// ends tells whether an address, as "0100007F:0BB8", has a port.
func ends(address string, port int) bool {
	_, hex, _ := strings.Cut(address, ":")
	p, err := strconv.ParseUint(hex, 16, 16)
	return err == nil && int(p) == port
}
