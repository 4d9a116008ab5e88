package deploys

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/deploy"
)

// nestApp is a small Nest application with the field's health module, without TypeScript.
// Where the file broken exists, it needs a provider that no module has.
const nestApp = `module.paths.push('MODULES');
require('reflect-metadata');
const { NestFactory } = require('@nestjs/core');
const { Module, Controller, Get, Injectable } = require('@nestjs/common');
class Database {}
class HealthController {
  constructor(database) { this.database = database }
  health() { return { status: 'ok', version: require('./package.json').version } }
  ready() { return { status: 'ready', checks: { database: this.database !== undefined } } }
}
for (const [method, path] of [['health', ''], ['ready', 'ready']]) {
  const at = HealthController.prototype;
  Get(path)(at, method, Object.getOwnPropertyDescriptor(at, method));
}
Injectable()(Database);
Controller('health')(HealthController);
Reflect.defineMetadata('design:paramtypes', [Database], HealthController);
class AppModule {}
const broken = require('fs').existsSync(__dirname + '/broken');
if (broken) console.error('Error: access denied, password=hunter2');
Module({ controllers: [HealthController], providers: broken ? [] : [Database] })(AppModule);
NestFactory.create(AppModule).then(app => app.listen(Number(process.argv[2]), '127.0.0.1'));
`

// TestANestApplicationUnderPM2: a broken release is rolled back by itself and shows no secret;
// a good one is deployed, and taken back.
func TestANestApplicationUnderPM2(t *testing.T) {
	t.Parallel()
	pm2 := startPM2(t)
	modules := testdb.Nest(t)
	s := newShop(t, func(c *config.Service) {
		c.Process = config.Process{Kind: "pm2", Name: "shop", Home: pm2.Home}
		c.Restore.ReadyWait = 3 * time.Minute // it ends when PM2 gives the process up
	})
	s.commit("nest", map[string]string{"app.js": strings.Replace(nestApp, "MODULES", modules, 1)})
	s.repoPull()
	// Nest takes longer to fail than the second after which PM2 counts no crash.
	apps := filepath.Join(pm2.Dir, "shop.json")
	write(t, apps, fmt.Sprintf(`{"apps": [{"name": "shop", "script": %q, "args": "%d", "max_restarts": 1, "min_uptime": 60000}]}`,
		filepath.Join(s.app, "app.js"), s.port), 0o600)
	pm2.Run(t, "start", apps)
	s.commit("broken", map[string]string{"package.json": pkg("2", ""), "broken": ""})
	p, state := s.deploy("update")
	s.failed(p, state, "ready", "can't resolve dependencies")
	if said := fmt.Sprint(state); strings.Contains(said, "hunter2") {
		t.Errorf("a secret is shown: %s", said)
	}
	s.git("rm", "-q", "broken")
	s.commit("mended", map[string]string{"package.json": pkg("3", "")})
	p, state = s.deploy("update")
	if state.Result != deploy.ResultDone || s.version() != "3.0.0" {
		t.Fatalf("%s (%s), release %q", state.Result, state.Detail, s.version())
	}
	state, err := s.Carry(t.Context(), p, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack || s.version() != "1.0.0" {
		t.Fatalf("%v, %s (%s), release %q", err, state.Result, state.Detail, s.version())
	}
}
