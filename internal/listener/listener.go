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

// Public finds the ports on which this machine listens for others, with the name of the process
// where it may be seen.
func Public() (map[int]string, error) {
	text, err := tables()
	if err != nil {
		return nil, err
	}
	inodes, ports := map[string]net.IP{}, map[string]int{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) <= 9 || f[3] != listening {
			continue
		}
		host, hexPort, _ := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(hexPort, 16, 16)
		if ip := address(host); err == nil && ip != nil && !ip.IsLoopback() {
			inodes["socket:["+f[9]+"]"] = ip
			ports["socket:["+f[9]+"]"] = int(port)
		}
	}
	pids, out := owners(inodes), map[int]string{}
	for inode, port := range ports {
		if name := comm(pids[inode]); name != "" || out[port] == "" {
			out[port] = name
		}
	}
	return out, nil
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

// On finds the sockets that listen on a port. An error means that the tables of the
// kernel cannot be read, so that nothing is known.
func On(port int) ([]Socket, error) {
	inodes := map[string]net.IP{}
	text, err := tables()
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) > 9 && f[3] == listening && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			inodes["socket:["+f[9]+"]"] = address(f[1][:len(f[1])-5])
		}
	}
	if len(inodes) == 0 {
		return nil, nil
	}
	owners := owners(inodes)
	var out []Socket
	for inode, addr := range inodes {
		out = append(out, Socket{Addr: addr, PID: owners[inode], Name: comm(owners[inode])})
	}
	slices.SortFunc(out, func(a, b Socket) int {
		return strings.Compare(fmt.Sprint(a.PID == 0, a.Addr, a.PID), fmt.Sprint(b.PID == 0, b.Addr, b.PID))
	})
	return out, nil
}

// owners finds the processes of sockets, as far as they may be seen.
func owners(inodes map[string]net.IP) map[string]int {
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
