package runbooks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
)

func TestTheServerIsStartedByWhatRunsIt(t *testing.T) {
	project := t.TempDir()
	text := "services:\n  api:\n    image: node:20\n  datastore:\n    image: docker.io/library/mysql:8.0\n  " +
		"redis:\n    image: redis:7\n"
	if err := os.WriteFile(filepath.Join(project, "docker-compose.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	units := t.TempDir()
	if err := os.WriteFile(filepath.Join(units, "mariadb.service"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := installedUnit([]string{t.TempDir(), units}); got != "mariadb" {
		t.Errorf("unit %s", got)
	}
	service := func(d config.Database, p config.Process) server {
		return serverOf(config.Service{Database: d, Process: p})
	}
	for want, v := range map[string]server{
		"docker start box": service(config.Database{Container: "box"}, config.Process{Kind: "pm2"}),
		"docker compose --project-directory " + project + " start datastore": service(config.Database{},
			config.Process{Kind: "compose", Dir: project}),
		"ssh db.example": service(config.Database{Host: "db.example"}, config.Process{}),
		"sudo systemctl": service(config.Database{Host: "127.0.0.1"}, config.Process{Kind: "pm2"}),
	} {
		if got := v.on(v.start); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
}

// TestAdviceGoesToTheServerOfTheOptionsFile: host, port and socket may stand in the file alone,
// by which opsdeck connects; another server's unit is not restarted by its advice.
func TestAdviceGoesToTheServerOfTheOptionsFile(t *testing.T) {
	const guess = "systemctl list-units --all 'mysql*' 'mariadb*'"
	for options, want := range map[string][3]string{ // first command, start, client
		"host=192.0.2.1\nport=3306":      {"status", "ssh 192.0.2.1 'sudo systemctl start ", "mysql -u root -p -h 192.0.2.1 "},
		"host=192.0.2.1\nport=3307":      {"ssh 192.0.2.1", "ssh 192.0.2.1 'sudo systemctl start UNIT'", "-h 192.0.2.1 -P 3307 "},
		"host=127.0.0.1\nport=33971":     {guess, "sudo systemctl start UNIT", "mysql -u root -p -h 127.0.0.1 -P 33971 "},
		"socket=/srv/two/mysqld.sock":    {guess, "sudo systemctl start UNIT", "mysql -u root -p -S /srv/two/mysqld.sock "},
		"host=localhost\nport=3306":      {"status", "sudo systemctl start m", "sudo mysql -u root -p -e"},
		"socket=/run/mysqld/mysqld.sock": {"status", "sudo systemctl start m", "mysql -u root -p -S /run/mysqld/mysqld.sock "},
		"user=shop":                      {"status", "sudo systemctl start m", "sudo mysql -u root -p -e"},
	} {
		file := filepath.Join(t.TempDir(), "my.cnf")
		if err := os.WriteFile(file, []byte("[client]\n"+options+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s := config.Service{Name: "shop", Database: config.Database{Name: "shop", OptionsFile: file}}
		steps := mysqlSteps(PlaceOf(s, "opsdeck"))
		all := ""
		for _, step := range steps {
			all += strings.Join(step.Commands, "\n") + "\n"
		}
		if !strings.Contains(steps[0].Commands[0], want[0]) || !strings.Contains(all, want[1]) ||
			!strings.Contains(all, want[2]) {
			t.Errorf("%s: not %q in:\n%s", options, want, all)
		}
	}
}
