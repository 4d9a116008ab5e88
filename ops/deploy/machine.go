package deploy

import (
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// OS is an operating system as /etc/os-release tells: "ubuntu", "22.04".
type OS struct{ ID, Version, Name string }

// Tool is a program on the PATH. Version is "" where it is absent.
type Tool struct {
	Version string
	Absent  bool
}

// Disk is the disk of a folder, in bytes that a common user can have.
type Disk struct {
	Path       string
	Free, Size int64
}

// Firewall is what guards the machine's ports; By is "" where nothing was found.
type Firewall struct {
	By  string
	UFW bool // ufw is installed
}

// Door is a port of this machine that others have to reach: sshd's, that of what serves the users.
type Door struct {
	Port int
	Name string // of the process that listens
}

// Job is a line of cron, with its secrets masked.
type Job struct{ Place, Line string }

// Machine are the facts about the machine that a service runs on.
type Machine struct {
	OS              Fact[OS]
	Memory          Fact[int64] // bytes
	Disk            Fact[Disk]
	Docker, Compose Fact[Tool] // Docker's version is that of its daemon
	Node, NPM       Fact[Tool]
	Firewall        Fact[Firewall]
	ClockInStep     Fact[bool]
	OldJobs         Fact[[]Job] // lines that make backups without opsdeck
}

// Needs are what a service needs of its machine.
type Needs struct {
	Memory, Disk int64  // bytes
	Node         int    // major version; 0: it is no Node service
	Docker       bool   // a Compose file is there, or Compose runs the service
	Container    string // of the database, as the configuration names it; it need not exist
	Doors        []Door // what listens now and has to stay open behind a firewall
}

// memorySlack is what a machine of 2 GB keeps for its firmware and kernel: 2 GB are
// sold, and about 1.9 are seen.
const memorySlack = 0.9

// JudgeMachine makes the findings about the machine.
func JudgeMachine(m Machine, n Needs) []Finding {
	return []Finding{
		judgeOS(m.OS), judgeMemory(m.Memory, n.Memory), judgeDisk(m.Disk, n.Disk),
		judgeDocker(m.Docker, n.Docker, n.Container), judgeCompose(m.Compose, n.Docker),
		judgeNode(m.Node, n.Node), judgeNPM(m.NPM, n.Node > 0),
		judgeFirewall(m.Firewall, n.Doors), judgeClock(m.ClockInStep), judgeJobs(m.OldJobs),
	}
}

// oldest are the oldest releases that carry what the service needs.
var oldest = map[string]float64{"ubuntu": 22.04, "debian": 12}

func judgeOS(f Fact[OS]) Finding {
	why := lang.M("the service needs Ubuntu 22.04 or newer: older releases have older libraries and tools")
	if !f.Seen {
		return unknown("os", f.Why, why)
	}
	least, known := oldest[f.Value.ID]
	version, err := strconv.ParseFloat(f.Value.Version, 64)
	switch {
	case !known || err != nil:
		return unknown("os", lang.M("opsdeck does not know the system %s", f.Value.Name), why)
	case version < least:
		return Finding{Name: "os", State: ops.StateWarning, Detail: lang.M("%s is too old", f.Value.Name), Why: why,
			Fix: "sudo do-release-upgrade"}
	}
	return ok("os", lang.Raw(f.Value.Name))
}

func judgeMemory(f Fact[int64], least int64) Finding {
	why := lang.M("with less, the kernel kills MySQL or the service when memory runs out")
	if !f.Seen {
		return unknown("memory", f.Why, why)
	}
	detail := lang.M("%s, at least %s are needed", human.Bytes(f.Value), human.Bytes(least))
	if float64(f.Value) < memorySlack*float64(least) {
		return Finding{Name: "memory", State: ops.StateWarning, Detail: detail, Why: why,
			Fix: "sudo fallocate -l 2G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && sudo swapon " +
				"/swapfile"}
	}
	return ok("memory", detail)
}

func judgeDisk(f Fact[Disk], least int64) Finding {
	why := lang.M("MySQL stops writing when its disk is full, and npm install fails half-way")
	if !f.Seen {
		return unknown("disk", f.Why, why)
	}
	d := f.Value
	detail := lang.M("%s free of %s at %s", human.Bytes(d.Free), human.Bytes(d.Size), d.Path)
	switch {
	case d.Size < least:
		return Finding{Name: "disk", State: ops.StateWarning, Detail: lang.M("%s; at least %s are needed", detail,
			human.Bytes(least)), Why: why, Fix: "df -h " + human.Shell(d.Path)}
	case d.Free < least/10:
		return Finding{Name: "disk", State: ops.StateCritical, Detail: detail, Why: why,
			Fix: "sudo du -xh --max-depth=2 / | sort -h | tail -20"}
	}
	return ok("disk", detail)
}

func judgeDocker(f Fact[Tool], needed bool, container string) Finding {
	why := lang.M("MySQL and Redis run in containers")
	silent := ops.StateCritical
	if !needed && container != "" { // by name alone, which may be a default
		why = lang.M("MySQL may run in the container %s (database.container)", container)
		silent = ops.StateWarning
		needed = true
	}
	switch {
	case !f.Seen && !needed:
		return ok("docker", lang.M("not needed: no container is configured"))
	case !f.Seen:
		return Finding{Name: "docker", State: silent, Detail: lang.M("Docker does not respond: %s", f.Why),
			Why: why, Fix: "sudo systemctl start docker"}
	case f.Value.Absent && needed:
		return Finding{Name: "docker", State: ops.StateWarning, Detail: lang.M("Docker is not installed"), Why: why,
			Fix: "sudo apt-get install docker.io"}
	case f.Value.Absent:
		return ok("docker", lang.M("not installed, and no container is configured"))
	}
	return ok("docker", lang.Raw("Docker "+f.Value.Version))
}

func judgeCompose(f Fact[Tool], needed bool) Finding {
	why := lang.M("the containers are described in a Compose file")
	switch {
	case f.Seen && !f.Value.Absent:
		return ok("compose", lang.Raw("Compose "+f.Value.Version))
	case !needed:
		return ok("compose", lang.M("not needed: no container is configured"))
	case !f.Seen:
		return unknown("compose", f.Why, why)
	}
	return Finding{
		Name:   "compose",
		State:  ops.StateWarning,
		Detail: lang.M("Docker Compose is not installed"),
		Why:    why,
		Fix:    "sudo apt-get install docker-compose-v2",
	}
}

func judgeNode(f Fact[Tool], least int) Finding {
	why := lang.M("the service runs on Node %d or newer", least)
	fix := "curl -fsSL https://deb.nodesource.com/setup_20.x | sudo bash - && sudo apt-get install nodejs"
	switch {
	case least == 0:
		return ok("node", lang.M("not needed: the service's folder holds no package.json"))
	case !f.Seen:
		return unknown("node", f.Why, why)
	case f.Value.Absent:
		return Finding{
			Name:   "node",
			State:  ops.StateCritical,
			Detail: lang.M("Node is not installed"),
			Why:    why,
			Fix:    fix,
		}
	}
	major, is := Major(f.Value.Version)
	switch {
	case !is:
		return unknown("node", lang.M("%q is not a version", f.Value.Version), why)
	case major < least:
		return Finding{Name: "node", State: ops.StateCritical, Detail: lang.M("Node %s is too old", f.Value.Version),
			Why: why, Fix: fix}
	}
	return ok("node", lang.Raw("Node "+f.Value.Version))
}

// Major is the first number of a version: 18 of "v18.20.4".
func Major(version string) (n int, is bool) {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(version), "v"), ".")
	n, err := strconv.Atoi(first)
	return n, err == nil
}

func judgeNPM(f Fact[Tool], needed bool) Finding {
	why := lang.M("npm installs the service's packages")
	switch {
	case !needed:
		return ok("npm", lang.M("not needed: the service's folder holds no package.json"))
	case !f.Seen:
		return unknown("npm", f.Why, why)
	case f.Value.Absent:
		return Finding{Name: "npm", State: ops.StateCritical, Detail: lang.M("npm is not installed"), Why: why,
			Fix: "sudo apt-get install npm"}
	}
	return ok("npm", lang.Raw("npm "+f.Value.Version))
}

// allow is the command that puts a firewall up and keeps open what is in use: whoever logs in
// by ssh on another port than 22 would lock themselves out, and users who come by another
// port than 443 would be cut off.
func allow(ufw bool, doors []Door) string {
	ports := []int{}
	for _, d := range doors {
		ports = append(ports, d.Port)
	}
	if !slices.ContainsFunc(doors, func(d Door) bool { return d.Name == "sshd" }) {
		ports = append(ports, 22)
	}
	slices.Sort(ports)
	var b strings.Builder
	if !ufw {
		b.WriteString("sudo apt-get install ufw && ")
	}
	for _, port := range slices.Compact(ports) {
		b.WriteString("sudo ufw allow " + strconv.Itoa(port) + "/tcp && ")
	}
	return b.String() + "sudo ufw enable"
}

func judgeFirewall(f Fact[Firewall], doors []Door) Finding {
	why := lang.M("without one, every port that a program opens can be reached from the network")
	switch {
	case !f.Seen:
		return unknown("firewall", f.Why, why)
	case f.Value.By == "":
		return Finding{Name: "firewall", State: ops.StateWarning, Detail: lang.M("no firewall is active"), Why: why,
			Fix: allow(f.Value.UFW, doors)}
	}
	return ok("firewall", lang.M("active: %s", f.Value.By))
}

func judgeClock(f Fact[bool]) Finding {
	why := lang.M("tokens, backups and logs carry times: a wrong clock rejects logins and misplaces events")
	switch {
	case !f.Seen:
		return unknown("time-sync", f.Why, why)
	case !f.Value:
		return Finding{
			Name:   "time-sync",
			State:  ops.StateWarning,
			Detail: lang.M("the clock is not synchronized"),
			Why:    why,
			Fix:    "sudo timedatectl set-ntp true",
		}
	}
	return ok("time-sync", lang.M("the clock is synchronized"))
}

func judgeJobs(f Fact[[]Job]) Finding {
	why := lang.M("an old script can remove good backups by age and count an empty one as a success")
	switch {
	case !f.Seen:
		return unknown("old-cron-jobs", f.Why, why)
	case len(f.Value) == 0:
		return ok("old-cron-jobs", lang.M("no backup job besides those of opsdeck"))
	}
	j := f.Value[0]
	fix := "crontab -e"
	if strings.HasPrefix(j.Place, "/") {
		fix = "sudo $EDITOR " + human.Shell(j.Place)
	}
	return Finding{Name: "old-cron-jobs", State: ops.StateWarning, Detail: lang.M("%d old backup jobs, as in %s: %s",
		len(f.Value), j.Place, j.Line), Why: why, Fix: fix}
}
