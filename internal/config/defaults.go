package config

import "time"

// Default is the configuration of the field's server.
func Default() *Config {
	return &Config{
		Services: []Service{DefaultService()},
		Console:  Console{Theme: "auto"},
		Serve:    Serve{Listen: "127.0.0.1:3080"},
	}
}

// DefaultService is what a service says where its configuration is silent.
func DefaultService() Service {
	return Service{
		Name: "qianzhang",
		Health: Health{
			URL:             "http://localhost:3000",
			Timeout:         2 * time.Second,
			Interval:        5 * time.Second,
			Slow:            time.Second,
			Fails:           3,
			Passes:          2,
			DiskFree:        0.2,
			ClockSkew:       2 * time.Second,
			CertDays:        21,
			Threads:         0.8,
			LongTransaction: time.Minute,
			ReplicationLag:  30 * time.Second,
			LogSize:         "50M",
			LogKeep:         30,
		},
		Database: Database{Name: "qianzhang_sales", OptionsFile: "~/.my.cnf", Container: "qianzhang-mysql"},
		Redis:    Redis{Address: "127.0.0.1:6379"},
		Process:  Process{Kind: "pm2", Name: "qianzhang-backend"},
		Metrics:  Metrics{Errors: 0.05, P95: 2 * time.Second, Memory: "450M"},
		Logs:     LogSources{{Path: "~/.pm2/logs/qianzhang-backend-*.log*"}},
		Audit:    Audit{Table: "audit_logs", MaxRows: 200_000, Timeout: 10 * time.Second},
		Backup: Backup{Dir: "/var/backups/mysql", Keep: Keep{Daily: 7, Weekly: 4, Monthly: 12, Emergency: 3, Manual: 5},
			Daily:    "0 2 * * *",
			Verify:   "0 4 * * 0",
			Drill:    "0 5 1 1,4,7,10 *",
			Late:     26 * time.Hour,
			Jobs:     2,
			Compress: "gzip",
			Engine:   "native",
			LockWait: 15 * time.Second},
		Restore: Restore{
			KeyTables: []string{"customers", "orders", "ar_invoices"},
			Mode:      "swap",
			ReadyWait: 2 * time.Minute,

			StandbyDelay:   time.Hour,
			StandbyThreads: 16,
		},
		Deploy: Deploy{
			Env:     ".env",
			Example: ".env.example",
			Memory:  "2G",
			Disk:    "10G",
			Node:    18,
			Docs:    "/api-docs",
			Smoke:   []string{"/health", "/health/ready"},
			Remote:  "origin",
			Observe: 30 * time.Second,
		},
		Alerts: Alerts{Repeat: 4 * time.Hour},
	}
}

// neutralService is what a service of another name says where its configuration
// is silent: the field's policies, but none of the names of the field's server,
// so that nobody restores into a database that they did not name.
func neutralService(name string) Service {
	s := DefaultService()
	s.Name = name
	s.Health.URL = ""
	s.Database.Container = ""
	s.Database.Name = ""
	s.Redis.Address = ""
	s.Process = Process{Kind: "none"}
	s.Logs = nil
	s.Restore.KeyTables = nil
	s.Deploy.Docs = ""
	return s
}

// StateDirFor is the folder of records, locks and restores: the configured one,
// else /var/lib/opsdeck for root, else $XDG_STATE_HOME/opsdeck.
func (c *Config) StateDirFor(uid int, getenv func(string) string) string {
	switch {
	case c.StateDir != "":
		return Home(c.StateDir)
	case uid == 0:
		return System("/var/lib/opsdeck", getenv)
	case getenv("XDG_STATE_HOME") != "":
		return getenv("XDG_STATE_HOME") + "/opsdeck"
	}
	return Home("~/.local/state/opsdeck")
}
