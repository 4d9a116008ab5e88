// Package listener finds who listens on a TCP port of this machine, as Linux shows
// it in /proc.
package listener

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listening is the state LISTEN in /proc/net/tcp (include/net/tcp_states.h).
const listening = "0A"

// Socket is a socket that listens. PID is 0 where its process may not be seen.
type Socket struct {
	Addr net.IP // unspecified: every address of the machine
	PID  int
	Name string // of the process, as in /proc/PID/comm
}

// Sockets are the sockets that listen on this machine, by port, as one look found them.
type Sockets map[int][]Socket

// All looks at all ports at once: to find the processes, every open file of the machine
// is read, which takes a while. An error means that the tables of the kernel cannot be
// read, so that nothing is known.
func All() (Sockets, error) { return look(func(int) bool { return true }) }

// On finds the sockets that listen on a port. Its error is that of All.
func On(port int) ([]Socket, error) {
	found, err := look(func(p int) bool { return p == port })
	return found[port], err
}

// Public finds the ports on which this machine listens for others, with the name of the
// process where it may be seen.
func (s Sockets) Public() map[int]string {
	out := map[int]string{}
	for port, sockets := range s {
		for _, one := range sockets {
			if one.Addr == nil || one.Addr.IsLoopback() {
				continue
			}
			if _, is := out[port]; one.Name != "" || !is {
				out[port] = one.Name
			}
		}
	}
	return out
}

// tables are the kernel's tables of TCP sockets.
func tables() (string, error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	six, _ := os.ReadFile("/proc/net/tcp6") // absent where IPv6 is off
	return string(text) + string(six), nil
}

// comm is the name of a process; "" where it may not be seen.
func comm(pid int) string {
	if pid == 0 {
		return ""
	}
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(name))
}

// look finds the sockets that listen on the ports that are wanted.
func look(wanted func(port int) bool) (Sockets, error) {
	text, err := tables()
	if err != nil {
		return nil, err
	}
	addresses, ports := map[string]net.IP{}, map[string]int{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) <= 9 || f[3] != listening {
			continue
		}
		host, hexPort, _ := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(hexPort, 16, 16)
		if err == nil && wanted(int(port)) {
			addresses["socket:["+f[9]+"]"] = address(host)
			ports["socket:["+f[9]+"]"] = int(port)
		}
	}
	if len(ports) == 0 {
		return Sockets{}, nil
	}
	pids, out := owners(ports), Sockets{}
	for inode, port := range ports {
		pid := pids[inode]
		out[port] = append(out[port], Socket{Addr: addresses[inode], PID: pid, Name: comm(pid)})
	}
	for _, sockets := range out {
		slices.SortFunc(sockets, func(a, b Socket) int {
			return strings.Compare(fmt.Sprint(a.PID == 0, a.Addr, a.PID), fmt.Sprint(b.PID == 0, b.Addr, b.PID))
		})
	}
	return out, nil
}

// owners finds the processes of sockets, as far as they may be seen.
func owners(inodes map[string]int) map[string]int {
	out := map[string]int{}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil {
			continue
		}
		if _, is := inodes[to]; is && out[to] == 0 {
			out[to], _ = strconv.Atoi(strings.Split(link, "/")[2])
		}
	}
	return out
}

// address reads an address of /proc/net/tcp: words of 32 bits, each in the byte
// order of a little-endian machine.
func address(text string) net.IP {
	b, err := hex.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return nil
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return net.IP(b)
}
