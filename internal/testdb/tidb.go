package testdb

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// tidbFlavour is a server that speaks MySQL's protocol and is neither of the
// two. It has no client programs of its own.
var tidbFlavour = &flavour{
	name:  "tidb",
	tools: map[string][]string{"mysql": {"mariadb"}, "mysqldump": {"mariadb-dump"}},
	bin:   func() string { return "" },
	command: func(dir string, port int) []string {
		return []string{
			"-store",
			"unistore",
			"-path",
			filepath.Join(dir, "data"),
			"-host",
			"127.0.0.1",
			"-P",
			strconv.Itoa(port),
			"-socket",
			filepath.Join(dir, "sock"),
			"-temp-dir",
			dir,
			"-report-status=false",
			"-L",
			"warn",
			"-log-file",
			filepath.Join(dir, "tidb.log"),
		}
	},
}

// TiDB is a TiDB server that the test process shares, with its embedded storage:
// the program that OPSDECK_TIDB names, a file called tidb-server. Its account is
// root without a password. Without that variable the test is skipped: building
// the program takes long, so CI does not.
//
// It builds from Go modules alone, with the Go that its go.mod asks for; the
// parser is a module of its own at the same commit:
//
//	V=20230411092701-ac70ae9e4cbf
//	go mod download github.com/pingcap/tidb@v1.1.0-beta.0.$V github.com/pingcap/tidb/parser@v0.0.0-$V
//	cp -r $(go env GOMODCACHE)/github.com/pingcap/tidb@v1.1.0-beta.0.$V tidb; chmod -R u+w tidb
//	cp -r $(go env GOMODCACHE)/github.com/pingcap/tidb/parser@v0.0.0-$V tidb/parser; chmod -R u+w tidb
//	cd tidb && GOTOOLCHAIN=go1.20.14 GOFLAGS=-mod=mod go build \
//	  -ldflags "-X github.com/pingcap/tidb/parser/mysql.TiDBReleaseVersion=v7.1.0" \
//	  -o /tmp/tidb-server ./tidb-server
//	OPSDECK_TIDB=/tmp/tidb-server go test -run /tidb ./ops/mysql/auditlog ./cmd/opsdeck
func TiDB(t testing.TB) *Server {
	t.Helper()
	if os.Getenv("OPSDECK_TIDB") == "" {
		t.Skip("testdb: OPSDECK_TIDB names no tidb-server")
	}
	return shared(t, tidbFlavour)
}
