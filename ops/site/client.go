package site

import (
	"fmt"
	"os/exec"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
)

// inContainer is the client of a server's container as root of the server. The password
// is that which the official images of MySQL and MariaDB were started with; it goes by
// the environment, never by the command line. Further arguments go to the client.
const inContainer = ` sh -c 'MYSQL_PWD="${MYSQL_ROOT_PASSWORD:-$MARIADB_ROOT_PASSWORD}" ` +
	`exec "$(command -v mysql || command -v mariadb)" -u root "$@"' sh`

// MysqlClient is the client's command for the configured account; that of the server's
// container where this machine has no client.
func MysqlClient(d config.Database) string {
	return mysqlClient(d, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

func mysqlClient(d config.Database, has func(program string) bool) string {
	client := "mysql"
	if !has("mysql") {
		switch {
		case has("mariadb"):
			client = "mariadb"
		case d.Container != "":
			return "docker exec -i " + human.Shell(d.Container) + inContainer
		}
	}
	if d.OptionsFile != "" {
		client += " --defaults-file=" + human.Shell(d.OptionsFile) // the client itself knows ~
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
