package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// startRedis starts the Redis of the world. The in-memory server tells little of
// itself, so INFO is answered here.
func startRedis() (*miniredis.Miniredis, error) {
	r, err := miniredis.Run()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	r.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
		if !strings.EqualFold(command, "INFO") {
			return false
		}
		used := 1_150_000 + 96*r.CommandCount()%400_000
		c.WriteBulk(strings.ReplaceAll(fmt.Sprintf(`# Server
redis_version:7.0.15
redis_mode:standalone
uptime_in_seconds:%d
# Clients
connected_clients:%d
# Memory
used_memory:%d
maxmemory:268435456
maxmemory_policy:allkeys-lru
# Stats
total_commands_processed:%d
evicted_keys:0
rejected_connections:0
`, int(time.Since(began).Seconds()), r.CurrentConnectionCount(), used, r.CommandCount()), "\n", "\r\n"))
		return true
	})
	return r, nil
}
