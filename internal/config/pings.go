package config

// Pings are the files that hold the URL of each job's dead-man's check, 0600; "" is none.
type Pings struct {
	Backup string `yaml:"backup"`
	Verify string `yaml:"verify"`
	Drill  string `yaml:"drill"`
	Sync   string `yaml:"sync"`
	Watch  string `yaml:"watch"` // told each minute while opsdeck watch runs
}
