package service

import (
	"context"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/ops/health"
)

// systemd is a unit of the system's service manager.
type systemd struct{ unit string }

const unitProperties = "LoadState,ActiveState,SubState,Result,MainPID,NRestarts,MemoryCurrent," +
	"ActiveEnterTimestampMonotonic"

func (s *systemd) Commands() health.Commands {
	u := quote(s.unit)
	return health.Commands{Status: "systemctl status " + u, Start: "systemctl start " + u, Stop: "systemctl stop " + u}
}

func (s *systemd) Status(ctx context.Context) health.Process {
	out := run(ctx, "", nil, "systemctl", "show", "--no-pager", "--property="+unitProperties, "--", s.unit)
	if out.err != nil {
		return unknown("systemd", s.unit, out.reason("systemctl"))
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return unknown("systemd", s.unit, lang.Raw(err.Error()))
	}
	return unitStatus(s.unit, out.stdout, time.Duration(now.Nano()), time.Now())
}

// unitStatus reads the answer of systemctl show. mono is the monotonic clock at
// now, for the unit's start is given on it.
func unitStatus(unit, answer string, mono time.Duration, now time.Time) health.Process {
	v := map[string]string{}
	for _, line := range strings.Split(answer, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			v[key] = value
		}
	}
	p := health.Process{Kind: "systemd", Name: unit, State: health.ProcessUnknown, Raw: answer}
	if v["LoadState"] == "not-found" {
		p.Reason = lang.M("there is no unit %s", unit)
		return p
	}
	switch v["ActiveState"] {
	case "active", "reloading":
		p.State, p.Running = health.ProcessRunning, 1
	case "activating":
		p.State, p.Again = health.ProcessStarting, strings.HasPrefix(v["SubState"], "auto-restart")
	case "inactive", "deactivating":
		p.State = health.ProcessStopped
	case "failed":
		p.State, p.Reason = health.ProcessFailed, lang.Raw(v["Result"])
	default:
		p.Reason = lang.M("systemd reports %q", v["ActiveState"])
	}
	p.PID, _ = strconv.Atoi(v["MainPID"])
	p.Restarts, _ = strconv.Atoi(v["NRestarts"])
	if n, err := strconv.ParseUint(v["MemoryCurrent"], 10, 64); err == nil && n < 1<<62 {
		p.MemoryBytes = int64(n) // "[not set]" and 2^64-1 mean that it is not counted
	}
	if us, err := strconv.ParseInt(v["ActiveEnterTimestampMonotonic"], 10, 64); err == nil && us > 0 &&
		p.State == health.ProcessRunning {
		p.Since = now.Add(time.Duration(us)*time.Microsecond - mono)
	}
	return p
}

func (s *systemd) Start(ctx context.Context) error {
	return run(ctx, "", nil, "systemctl", "start", "--", s.unit).failed(s.Commands().Start)
}

func (s *systemd) Stop(ctx context.Context) error {
	return run(ctx, "", nil, "systemctl", "stop", "--", s.unit).failed(s.Commands().Stop)
}
