package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// listening is the state LISTEN in /proc/net/tcp (include/net/tcp_states.h).
const listening = "0A"

// portHolder is the process that listens on a TCP port of this machine; pid is 0
// when none does, or it may not be seen.
func portHolder(port int) (pid int, name string) {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(text), "\n") {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == listening && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+f[9]+"]"] = true
			}
		}
	}
	if len(sockets) == 0 {
		return 0, ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && sockets[to] {
			process := strings.Split(link, "/")[2]
			pid, _ = strconv.Atoi(process)
			comm, _ := os.ReadFile(filepath.Join("/proc", process, "comm"))
			return pid, strings.TrimSpace(string(comm))
		}
	}
	return 0, ""
}
