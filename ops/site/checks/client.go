package checks

import (
	"fmt"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
)

// MysqlClient is the client's command for the configured account.
func MysqlClient(d config.Database) string {
	client := "mysql"
	if d.OptionsFile != "" {
		client += " --defaults-file=" + d.OptionsFile
	}
	if d.Socket != "" {
		return client + " -S " + human.Shell(d.Socket)
	}
	if d.Host != "" {
		client += " -h " + human.Shell(d.Host)
	}
	if d.Port != 0 {
		client += fmt.Sprintf(" -P %d", d.Port)
	}
	return client
}
