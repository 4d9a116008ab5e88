// Package config reads the configuration: strict YAML over the defaults of the
// field. A file that says nothing gives a working set-up for the field's server.
package config

import "time"

// Config is the whole configuration.
type Config struct {
	Services []Service `yaml:"services"`
	StateDir string    `yaml:"state_dir"` // records, locks, restores; "" picks one by user
	Console  Console   `yaml:"console"`
	Serve    Serve     `yaml:"serve"`
	// LogFormats are forms of log lines besides those that are known.
	LogFormats []LogFormat `yaml:"log_formats"`
}

// Serve is where `opsdeck serve` listens, and who may read there.
type Serve struct {
	Listen    string `yaml:"listen"`
	TLSCert   string `yaml:"tls_cert"`   // PEM, with its chain
	TLSKey    string `yaml:"tls_key"`    // PEM
	TokenFile string `yaml:"token_file"` // 0600; the token that clients send
	Insecure  bool   `yaml:"insecure"`   // off loopback without TLS or a token
}

// Console is how the console looks and behaves.
type Console struct {
	Lang  string `yaml:"lang"`  // en, zh, or "" for the environment's
	Theme string `yaml:"theme"` // auto, dark, light
	ASCII bool   `yaml:"ascii"` // borders and glyphs in ASCII
	UTC   bool   `yaml:"utc"`   // show times in UTC
}

// Service is one service that opsdeck looks after.
type Service struct {
	Name     string        `yaml:"name"`
	Health   Health        `yaml:"health"`
	Database Database      `yaml:"database"`
	Redis    Redis         `yaml:"redis"`
	Process  Process       `yaml:"process"`
	Metrics  Metrics       `yaml:"metrics"`
	Pings    Pings         `yaml:"pings"`
	Logs     LogSources    `yaml:"logs"`
	LogViews []SavedSearch `yaml:"searches"`
	// Highlights are colours for events of the Logs tab.
	Highlights []Highlight `yaml:"highlights"`
	Audit      Audit       `yaml:"audit"`
	Backup     Backup      `yaml:"backup"`
	Restore    Restore     `yaml:"restore"`
	Deploy     Deploy      `yaml:"deploy"`
	Notify     []Notify    `yaml:"notify"`
	Alerts     Alerts      `yaml:"alerts"`
}

// SavedSearch is a named query of the Logs tab.
type SavedSearch struct {
	Name  string `yaml:"name"`
	Query string `yaml:"query"`
}

// Highlight is a query of the Logs tab whose events have a colour.
type Highlight struct {
	Query  string `yaml:"query"`
	Colour string `yaml:"colour"` // red, yellow, green, cyan, blue, magenta
}

// Health is where the service says how it is, and what to think of it.
type Health struct {
	URL             string        `yaml:"url"`        // base; /health, /health/ready and /health/version stand under it
	Timeout         time.Duration `yaml:"timeout"`    // of each check
	Interval        time.Duration `yaml:"interval"`   // between two runs of a check
	Slow            time.Duration `yaml:"slow"`       // a good answer that takes longer is a warning; 0 is no bound
	Fails           int           `yaml:"fails"`      // failures in a row until critical
	Passes          int           `yaml:"passes"`     // successes in a row until well again
	DiskFree        float64       `yaml:"disk_free"`  // share of a disk that must be free: 0.2
	Disks           []string      `yaml:"disks"`      // further folders whose disks are watched
	ClockSkew       time.Duration `yaml:"clock_skew"` // more than this against the HTTP Date is a warning
	CertDays        int           `yaml:"cert_days"`  // fewer days left on the certificate is a warning
	Threads         float64       `yaml:"threads"`    // share of max_connections in use that is a warning
	LongTransaction time.Duration `yaml:"long_transaction"`
	ReplicationLag  time.Duration `yaml:"replication_lag"`
	LogSize         string        `yaml:"log_size"` // a live log file is rotated at this size: "50M"
	LogKeep         int           `yaml:"log_keep"` // rotated files kept of each; 0 is no bound
}

// Database is the MySQL or MariaDB server of a service. The password comes from
// the options file alone.
type Database struct {
	Name        string `yaml:"name"`
	OptionsFile string `yaml:"options_file"` // [client] section; ~ is the home folder
	Host        string `yaml:"host"`
	Port        int    `yaml:"port"`
	Socket      string `yaml:"socket"`
	User        string `yaml:"user"`
	Container   string `yaml:"container"` // docker container that holds the server, for --engine mysqldump
	DataDir     string `yaml:"data_dir"`  // for the disk check; "" asks the server
	// StallAfter is how long a connection may be silent before the server is asked whether
	// it is still at work; 0 is a minute.
	StallAfter time.Duration `yaml:"stall_after"`
}

// Redis is the service's Redis.
type Redis struct {
	Address      string `yaml:"address"`       // "" means none
	PasswordFile string `yaml:"password_file"` // 0600
	Required     bool   `yaml:"required"`      // down is critical rather than a warning
}

// Process is how the service is started and stopped.
type Process struct {
	Kind   string `yaml:"kind"`  // pm2, systemd, compose, command, none
	Name   string `yaml:"name"`  // process, unit or Compose service
	Dir    string `yaml:"dir"`   // Compose project folder; working folder of commands
	Start  string `yaml:"start"` // commands, run by sh -c, for kind command
	Stop   string `yaml:"stop"`
	Status string `yaml:"status"` // exit 0: running, 3: stopped, else unknown
	Home   string `yaml:"home"`   // PM2's folder; "" is $PM2_HOME, then ~/.pm2
}

// Audit is where the audit rows are.
type Audit struct {
	Table   string            `yaml:"table"`
	Columns map[string]string `yaml:"columns"` // our name: theirs
	Replica Database          `yaml:"replica"` // read from here instead; zero: from Database
	// Aliases are the further names of a kind of resource in the table: a trace of
	// one shows the rows of all. AR_PAYMENT: [payments].
	Aliases map[string][]string `yaml:"aliases"`
	MaxRows int64               `yaml:"max_rows"` // a query that would scan more asks first
	Timeout time.Duration       `yaml:"timeout"`  // on the server
	// TimeZone is that of the wall time in a DATETIME column: Asia/Shanghai,
	// +08:00, local; "" or server asks the server. A TIMESTAMP needs none.
	TimeZone string `yaml:"time_zone"`
}

// Backup is the backup policy.
type Backup struct {
	Dir         string        `yaml:"dir"`
	Keep        Keep          `yaml:"keep"`
	Daily       string        `yaml:"daily"`  // cron, local time
	Verify      string        `yaml:"verify"` // cron
	Drill       string        `yaml:"drill"`  // cron
	Late        time.Duration `yaml:"late"`   // newest good one older than this is critical
	Jobs        int           `yaml:"jobs"`
	Compress    string        `yaml:"compress"` // gzip or zstd
	Engine      string        `yaml:"engine"`   // native or mysqldump
	LockWait    time.Duration `yaml:"lock_wait"`
	Throttle    Throttle      `yaml:"throttle"`
	Recipients  []string      `yaml:"recipients"` // age public keys
	Identity    string        `yaml:"identity"`   // age identity file, 0600
	Copies      []Copy        `yaml:"copies"`
	StreamTo    string        `yaml:"stream_to"`    // the copy that scheduled backups go straight to, with no file here
	DrillServer Database      `yaml:"drill_server"` // zero: the same server, a scratch schema
	Binlog      string        `yaml:"binlog"`       // follow: watch and the installed schedule archive the binary log
}

// Keep is how many slots of each tier hold a verified backup.
type Keep struct {
	Daily     int `yaml:"daily"`
	Weekly    int `yaml:"weekly"`
	Monthly   int `yaml:"monthly"`
	Emergency int `yaml:"emergency"` // the newest so many
	Manual    int `yaml:"manual"`    // the newest so many
}

// Throttle bounds what a backup asks of the server.
type Throttle struct {
	BytesPerSecond string `yaml:"bytes_per_second"` // "50M"; "" is no bound
	Threads        int    `yaml:"threads_running"`  // pause while more threads run; 0 is no bound
}

// Copy is where backups are copied to.
type Copy struct {
	Name         string   `yaml:"name"`
	Kind         string   `yaml:"kind"`          // rsync or s3 (Aliyun OSS speaks s3)
	Target       string   `yaml:"target"`        // rsync: user@host:/folder; s3: bucket/prefix
	Port         int      `yaml:"port"`          // ssh
	IdentityFile string   `yaml:"identity_file"` // ssh key
	SSHOptions   []string `yaml:"ssh_options"`   // as ssh -o takes them
	Endpoint     string   `yaml:"endpoint"`
	Region       string   `yaml:"region"`
	Insecure     bool     `yaml:"insecure"` // plain http
	// s3: where the bucket stands: host, path, or "" to know by the endpoint
	Addressing      string `yaml:"addressing"`
	CredentialsFile string `yaml:"credentials_file"` // 0600: access_key, secret_key
	// Keep is zero: as local, and only by hand; else each night. Tiers that it does not name
	// are as local.
	Keep Keep `yaml:"keep"`
	// Late is how old the newest good backup there may be; 0 follows the service's late and the
	// copy's shortest tier.
	Late time.Duration `yaml:"late"`
}

// Restore is what a restore must look at.
type Restore struct {
	KeyTables []string      `yaml:"key_tables"`
	Mode      string        `yaml:"mode"`       // swap or in-place
	SmokeTest []string      `yaml:"smoke_test"` // SELECTs; each must give a row whose first column is true
	ReadyWait time.Duration `yaml:"ready_wait"` // how long /health/ready may take after the start
	// Standby keeps a second copy of the database loaded, and applies the archived binary
	// log to it: a restore to a moment after it needs the rest of the log alone.
	Standby bool `yaml:"standby"`
	// how far it stays behind the service; 0 is as close as the archive
	StandbyDelay   time.Duration `yaml:"standby_delay"`
	StandbyThreads int           `yaml:"standby_threads"` // it pauses while more threads than that run; 0 is no bound
}

// Deploy is what the service needs of its machine, and how a release gets there.
type Deploy struct {
	Dir      string   `yaml:"dir"`      // the code, a git work tree; "" is the folder of the running process
	Env      string   `yaml:"env"`      // the environment file, below dir
	Example  string   `yaml:"example"`  // what the code says about it, below dir
	Memory   string   `yaml:"memory"`   // the machine's least: "2G"
	Disk     string   `yaml:"disk"`     // the disk's least size: "10G"
	Node     int      `yaml:"node"`     // least major version; 0 where the service is no Node program
	Docs     string   `yaml:"api_docs"` // path below health.url; "" where there are none
	Smoke    []string `yaml:"smoke"`    // paths below health.url that must answer 2xx
	HTTPSURL string   `yaml:"https"`    // where users reach the service; "" looks at port 443 of this machine
	Remote   string   `yaml:"remote"`   // of git
	Releases string   `yaml:"releases"` // a folder for each release of blue-green; "" is dir with -releases added
	// files and folders below dir that git does not know and all releases use, besides env
	Shared []string `yaml:"shared"`
	// Observe is how long errors are counted after the start, before the verdict.
	Observe time.Duration `yaml:"observe"`
	// AllowLoss lets a step of kind sync drop tables, columns and rows.
	AllowLoss bool         `yaml:"allow_loss"`
	Plans     []DeployPlan `yaml:"plans"`  // besides install and update, or instead of them
	Switch    DeploySwitch `yaml:"switch"` // of steps of kind standby and switch
}

// DeploySwitch is how a release is started beside the one that runs, and how nginx is
// switched to it. Commands are run by sh -c in the code's folder, with PORT set.
type DeploySwitch struct {
	File     string `yaml:"file"`     // nginx includes it; it holds the upstream and nothing else
	Upstream string `yaml:"upstream"` // its name
	Ports    []int  `yaml:"ports"`    // two, of this machine
	Start    string `yaml:"start"`    // the instance on PORT; "" under PM2: a copy of the one that runs
	Stop     string `yaml:"stop"`     // the instance on PORT; it succeeds where none runs; "" under PM2
	Test     string `yaml:"test"`     // "nginx -t"
	Reload   string `yaml:"reload"`   // "nginx -s reload"
}

// Filled has what a configuration may leave out: the service's name for the upstream, and
// nginx's own commands.
func (s DeploySwitch) Filled(of Service) DeploySwitch {
	set := func(value *string, usual string) {
		if *value == "" {
			*value = usual
		}
	}
	set(&s.Upstream, of.Name)
	set(&s.Test, "nginx -t")
	set(&s.Reload, "nginx -s reload")
	return s
}

// DeployPlan is a plan of the configuration's own.
type DeployPlan struct {
	Name  string       `yaml:"name"`
	Steps []DeployStep `yaml:"steps"`
}

// DeployStep is a step of a plan. Commands are run by sh -c in the code's folder.
type DeployStep struct {
	Name    string        `yaml:"name"`
	Kind    string        `yaml:"kind"`    // one of deployKinds; "" only runs its command
	Run     string        `yaml:"run"`     // of kind sync or ""
	Check   string        `yaml:"check"`   // exit 0: nothing needs to be done
	Look    string        `yaml:"look"`    // of kind sync: prints what run would change, and changes nothing
	Undo    string        `yaml:"undo"`    // takes it back
	Keep    []string      `yaml:"keep"`    // folders below dir that are put back when it is taken back
	Timeout time.Duration `yaml:"timeout"` // 0 is 10 minutes
}

// deployKinds are the kinds of steps.
var deployKinds = []string{"", "backup", "stop", "pull", "sync", "start", "ready", "smoke", "errors", "standby",
	"switch"}

// Notify is who is told.
type Notify struct {
	Name string `yaml:"name"`
	Kind string `yaml:"kind"` // one of NotifyKinds
	// 0600; webhook URLs carry secrets; second line: the secret or token
	URLFile      string   `yaml:"url_file"`
	Host         string   `yaml:"host"`
	Port         int      `yaml:"port"`
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
	TLS          string   `yaml:"tls"`           // smtp: required, implicit or none; "": by port and host
	CAFile       string   `yaml:"ca_file"`       // PEM: authorities in place of the system's
	TemplateFile string   `yaml:"template_file"` // webhook: the JSON to send
	Command      []string `yaml:"command"`       // command: the program and its arguments
	// syslog: a socket, or udp:// or tcp://HOST:PORT; "": /dev/log
	Address   string            `yaml:"address"`
	Facility  string            `yaml:"facility"`   // syslog; "": daemon
	Format    string            `yaml:"format"`     // syslog: rfc5424 or rfc3164; "": by the address
	Labels    map[string]string `yaml:"labels"`     // alertmanager: on each alert
	PerMinute int               `yaml:"per_minute"` // messages a minute; 0: what the kind takes
	On        []string          `yaml:"on"`         // restore, backup-failed, status
}

// NotifyKinds are the ways to tell somebody.
var NotifyKinds = []string{
	"smtp", "webhook", "dingtalk", "wecom", "feishu", "slack", "alertmanager", "command", "syslog",
}
