package testdb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// firstPort is the lowest that FreePort gives; below it programs have ports of
// their own.
const firstPort = 10_000

// claims hold the ports that this process was given, for as long as it lives.
var claims struct {
	sync.Mutex
	held []net.Listener
}

// FreePort is a port of the loopback that nothing listens on. It lies below those
// that the kernel gives to whoever asks for any, so that no connection takes it
// while its server is down, and it is given to nobody else, in no other test
// process either, for as long as this process lives.
func FreePort() (int, error) {
	end := anyPort()
	if end <= firstPort {
		return 0, fmt.Errorf("the kernel gives ports from %d on to whoever asks: none is left for servers", end)
	}
	for range 1000 {
		if port := firstPort + rand.IntN(end-firstPort); claim(port) && free(port) {
			return port, nil
		}
	}
	return 0, errors.New("no port of the loopback is free")
}

// anyPort is the first port that the kernel gives to whoever asks for any.
func anyPort() (first int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if _, scanned := fmt.Sscan(string(text), &first); err != nil || scanned != nil {
		return 32_768 // the kernel's default
	}
	return first
}

// claim makes a port this process's own: a socket with a name of no file system,
// which the kernel takes away with the process.
func claim(port int) bool {
	l, err := net.Listen("unix", fmt.Sprintf("@opsdeck-test-port-%d", port))
	if err != nil {
		return false
	}
	claims.Lock()
	defer claims.Unlock()
	claims.held = append(claims.held, l)
	return true
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
