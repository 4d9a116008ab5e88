package watch

import "strings"

// Daemon is the running watch as something that the machine starts.
type Daemon struct {
	Command []string // opsdeck and its arguments
	User    bool     // of systemd's user manager
	Write   []string // folders that it writes to: state and backups
}

// DaemonName is the name of the unit, and of the entry of PM2.
const DaemonName = "opsdeck-watch"

// hardening leaves the daemon what it needs: the network, its folders, the files of
// others to read, their sockets (PM2 of another user: CAP_DAC_OVERRIDE), and which of their
// processes has a port (CAP_SYS_PTRACE). Sources: systemd.exec(5), capabilities(7),
// systemd-analyze security. The units of .ci/pack hold the same lines.
const hardening = `CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYS_PTRACE
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
`

// Systemd is the daemon's unit. systemd starts it again when it ends or hangs.
func (d Daemon) Systemd() Unit {
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=opsdeck: watches the services and sends alerts\n")
	b.WriteString("After=network-online.target\nWants=network-online.target\nStartLimitIntervalSec=0\n\n")
	b.WriteString("[Service]\nType=notify\nNotifyAccess=main\nWatchdogSec=120\nExecStart=" + d.line(unitWord) + "\n")
	b.WriteString("Restart=always\nRestartSec=5\nTimeoutStopSec=30\nUMask=0077\nNice=5\n")
	if d.User {
		b.WriteString("NoNewPrivileges=yes\nLockPersonality=yes\nRestrictRealtime=yes\n")
		b.WriteString("\n[Install]\nWantedBy=default.target\n")
		return Unit{Name: DaemonName + ".service", Text: b.String()}
	}
	b.WriteString(hardening)
	for _, dir := range append([]string{"/tmp", "/var/tmp"}, d.Write...) {
		b.WriteString("ReadWritePaths=-" + unitWord(dir) + "\n")
	}
	b.WriteString("\n[Install]\nWantedBy=multi-user.target\n")
	return Unit{Name: DaemonName + ".service", Text: b.String()}
}

// Cron is the daemon's line in a crontab.
func (d Daemon) Cron() string { return "@reboot " + d.line(cronWord) + " # " + DaemonName }

// Crontab puts the daemon's line into a crontab, in the place of one of before.
func (d Daemon) Crontab(old string) string {
	var out []string
	for i, l := range strings.Split(strings.TrimRight(old, "\n"), "\n") {
		if (l != "" || i > 0) && !strings.HasSuffix(l, " # "+DaemonName) {
			out = append(out, l)
		}
	}
	return strings.Join(append(out, d.Cron()), "\n") + "\n"
}

// PM2 are the arguments of pm2 that start the daemon.
func (d Daemon) PM2() []string {
	args := []string{"start", d.Command[0], "--name", DaemonName, "--interpreter", "none", "--"}
	return append(args, d.Command[1:]...)
}

func (d Daemon) line(word func(string) string) string {
	var words []string
	for _, w := range d.Command {
		words = append(words, word(w))
	}
	return strings.Join(words, " ")
}
