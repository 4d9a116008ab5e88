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
