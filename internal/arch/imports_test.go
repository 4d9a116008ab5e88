package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a part of the tree with rules of its own.
type room string

const (
	cmdRoom      room = "cmd"
	consoleRoom  room = "tui"
	viewRoom     room = "tui view"
	pieceRoom    room = "tui piece" // page, widget, theme
	vocabulary   room = "ops"
	domainRoom   room = "domain"
	adapterRoom  room = "adapter"
	siteRoom     room = "site" // what one configured service can do
	fakesRoom    room = "opstest"
	internalRoom room = "internal"
)

// mayImport says which rooms a room knows; within one room, and between domains
// and adapters, see sameRoom.
var mayImport = map[room][]room{
	cmdRoom: {cmdRoom, consoleRoom, viewRoom, pieceRoom, vocabulary, domainRoom, adapterRoom, siteRoom,
		internalRoom},
	consoleRoom:  {viewRoom, pieceRoom, vocabulary, domainRoom, internalRoom},
	viewRoom:     {pieceRoom, vocabulary, domainRoom, internalRoom},
	pieceRoom:    {pieceRoom, vocabulary, internalRoom},
	vocabulary:   {internalRoom},
	domainRoom:   {vocabulary, internalRoom},
	adapterRoom:  {vocabulary, domainRoom, internalRoom},
	siteRoom:     {siteRoom, vocabulary, domainRoom, adapterRoom, internalRoom},
	fakesRoom:    {vocabulary, domainRoom, internalRoom},
	internalRoom: {internalRoom},
}

// siblings are the imports allowed within a room: a package's subpackages, the
// packages around ops/mysql, and domains whose subject is another's plain types.
func siblings(from, to string) bool {
	if below, ok := layered(from, to); ok {
		return below
	}
	if strings.HasPrefix(to, from+"/") || strings.HasPrefix(from, to+"/") {
		return true
	}
	pair := [2]string{domainOf(from), domainOf(to)}
	if pair[0] == pair[1] {
		return true
	}
	return slices.Contains([][2]string{
		{"restore", "backup"}, // a plan is made of a manifest
		{"restore", "binlog"}, // and of what follows it in the log
		{"doctor", "health"},  // its findings are checks
		{"doctor", "backup"},
		{"watch", "health"}, // its incidents begin with a check
		{"watch", "logs"},   // or a critical line
		{"watch", "backup"},
	}, pair)
}

// layers are rooms that lie one above the other, the lowest first.
var layers = [][]string{
	{"ops/logs", "ops/logs/line", "ops/logs/query", "ops/logs/index", "ops/logs/store", "ops/logs/stat"},
	{"ops/restore", "ops/restore/report", "ops/restore/run"},
}

// layered tells for two rooms of one of the layers whether to lies below from.
func layered(from, to string) (below, both bool) {
	for _, order := range layers {
		a, b := slices.Index(order, from), slices.Index(order, to)
		if a >= 0 && b >= 0 {
			return b < a, true
		}
	}
	return false, false
}

// domainOf is the first folder below ops.
func domainOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "ops/"), "/")
	return name
}

func roomOf(path string) room {
	first, rest, _ := strings.Cut(path, "/")
	below, _, _ := strings.Cut(rest, "/")
	switch {
	case first == "cmd":
		return cmdRoom
	case path == "tui":
		return consoleRoom
	case first == "tui" && strings.HasSuffix(below, "view"):
		return viewRoom
	case first == "tui":
		return pieceRoom
	case path == "ops":
		return vocabulary
	case first == "ops" && slices.Contains([]string{"mysql", "service", "probe", "logfile", "remote", "notify", "host",
		"ping"}, below):
		return adapterRoom
	case first == "ops" && below == "site":
		return siteRoom
	case path == "ops/opstest":
		return fakesRoom
	case first == "ops":
		return domainRoom
	}
	return internalRoom
}

// foreign names modules that only some rooms may know.
var foreign = []struct {
	prefix string
	rooms  []room
	not    []string // packages of those rooms' neighbours that may as well
}{
	{"github.com/charmbracelet/bubbletea", []room{cmdRoom, consoleRoom, viewRoom, pieceRoom}, nil},
	{"github.com/charmbracelet/bubbles", []room{cmdRoom, consoleRoom, viewRoom, pieceRoom}, nil},
	{"github.com/charmbracelet/lipgloss", []room{cmdRoom, consoleRoom, viewRoom, pieceRoom}, nil},
	{"github.com/alecthomas/kong", []room{cmdRoom}, []string{"internal/commandline"}},
	{"database/sql", []room{cmdRoom, adapterRoom}, []string{"internal/testdb"}},
	{"github.com/go-sql-driver/mysql", []room{adapterRoom}, []string{"internal/testdb", "cmd/opsdeck-demo"}},
	{"github.com/dolthub/", nil, []string{"cmd/opsdeck-demo"}},
}

func mayKnow(pkg, path string) bool {
	for _, f := range foreign {
		if path == f.prefix || strings.HasPrefix(path, strings.TrimSuffix(f.prefix, "/")+"/") {
			in := slices.ContainsFunc(f.not, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
			return in || slices.Contains(f.rooms, roomOf(pkg))
		}
	}
	return true
}

// allowed tells whether a package of ours may import another of ours.
func allowed(from, to string) bool {
	a, b := roomOf(from), roomOf(to)
	if from == to || slices.Contains(mayImport[a], b) {
		return true
	}
	return a == b && (a == domainRoom || a == adapterRoom) && siblings(from, to)
}

func TestImportsFollowTheRooms(t *testing.T) {
	seen := 0
	eachGoFile(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		for _, spec := range f.Imports {
			seen++
			target, _ := strconv.Unquote(spec.Path.Value)
			ours, isOurs := strings.CutPrefix(target, "opsdeck/")
			if isOurs && !allowed(pkg, ours) {
				t.Errorf("%s (%s) imports %s (%s)", path, roomOf(pkg), ours, roomOf(ours))
			}
			if !isOurs && !mayKnow(pkg, target) {
				t.Errorf("%s (%s) may not know %s", path, roomOf(pkg), target)
			}
		}
	})
	if seen < 50 {
		t.Fatalf("%d imports found: the search is broken", seen)
	}
}

func TestTheRulesRefuseWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"cmd/opsdeck", "ops/mysql/dump", true},
		{"tui", "tui/statusview", true},
		{"tui/logview", "tui/auditview", false},
		{"tui/logview", "ops/logs", true},
		{"tui/logview", "ops/logfile", false},
		{"tui/widget", "ops/logs", false},
		{"ops/mysql/dump", "ops/mysql", true},
		{"ops/mysql/dump", "ops/mysql/sqlscan", true},
		{"ops/mysql", "ops/remote", false},
		{"ops/restore", "ops/backup", true},
		{"ops/backup", "ops/restore", false},
		{"ops/restore/run", "ops/restore/report", true},
		{"ops/restore", "ops/restore/run", false},
		{"ops/restore/report", "ops/restore/run", false},
		{"ops/logs", "ops/logfile", false},
		{"ops/logs/index", "ops/logs/line", true},
		{"ops/logs/store", "ops/logs", true},
		{"ops/logs", "ops/logs/line", false},
		{"ops/logs/query", "ops/logs/index", false},
		{"ops", "ops/backup", false},
		{"internal/config", "ops", false},
		{"internal/lock", "internal/atomicfile", true},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%s may import %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	for pkg, path := range map[string]string{"ops/audit": "database/sql",
		"ops/health": "github.com/charmbracelet/bubbletea", "tui": "github.com/alecthomas/kong",
		"cmd/opsdeck": "github.com/dolthub/vitess/go"} {
		if mayKnow(pkg, path) {
			t.Errorf("%s may know %s", pkg, path)
		}
	}
}

const root = "../.."

// eachGoFile visits the Go files of the tree, paths relative to its top.
func eachGoFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
