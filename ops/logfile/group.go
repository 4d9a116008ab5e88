// Package logfile reads logs at their source: files with their rotated generations,
// compressed or not, standard input, Docker, journald, Loki, and other machines over ssh.
// It follows them while they grow, and when they are truncated, renamed, deleted or
// recreated.
package logfile

import (
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/pattern"
	"opsdeck/ops/logs"
)

// Name patterns of rotated files: of pm2-logrotate, of logrotate with numbers and with
// dates, and of the kubelet.
var (
	pm2Name    = pattern.New(`^(.*)__(\d[0-9T_:-]*)(\.[A-Za-z]+)$`) // pm2-logrotate: any dateFormat
	numberName = pattern.New(`^(.*)\.(\d{1,4})$`)
	podName    = pattern.New(`^(.*)\.(\d{8}-\d{6})$`)
	innerName  = pattern.New(`^(.*)\.(\d{1,4})(\.[A-Za-z]+)$`)
	innerDate  = pattern.New(`^(.*?)-(\d{8}(?:-?\d+)?)(\.[A-Za-z]+)$`)
	dateName   = pattern.New(`^(.*?)-(\d{8}(?:-?\d+)?)$`)
)

// generation is what a file's name tells: the live file's name, and the file's place among
// its generations.
type generation struct {
	path, live string
	key        string // orders the generations, the oldest first; "" is the live one
	packed     bool
}

func nameOf(path string) generation {
	g := generation{path: path, live: path}
	name := path
	for _, ext := range []string{".gz", ".zst", ".xz", ".lzma", ".bz2", ".lz4"} {
		if s, ok := strings.CutSuffix(name, ext); ok {
			name, g.packed = s, true
		}
	}
	g.live = name
	if m := pm2Name.FindStringSubmatch(name); m != nil {
		g.live, g.key = m[1]+m[3], "b"+m[2]
	} else if m := numberName.FindStringSubmatch(name); m != nil {
		n, _ := strconv.Atoi(m[2])
		g.live, g.key = m[1], numberKey(n)
	} else if m := podName.FindStringSubmatch(name); m != nil {
		g.live, g.key = m[1], "b"+m[2]
	} else if m := dateName.FindStringSubmatch(name); m != nil {
		g.live, g.key = m[1], "b"+m[2]
	} else if g.packed {
		g.key = "a"
	}
	return g
}

// numberKey orders numbered generations, 0 as the newest, by keys of one length.
func numberKey(n int) string { return "b" + strconv.Itoa(99_999-n) }

// innerOf parses "app.1.log", a generation of app.log as log4js (keepFileExt) and others
// name it, and "app-20260129.log" of logrotate's extension with dateext. It counts as one
// only next to app.log, because the name may be that of another log.
func innerOf(g generation) (generation, bool) {
	if g.key != "" && g.key != "a" {
		return g, false
	}
	if m := innerDate.FindStringSubmatch(g.live); m != nil {
		g.live, g.key = m[1]+m[3], "b"+m[2]
		return g, true
	}
	m := innerName.FindStringSubmatch(g.live)
	if m == nil {
		return g, false
	}
	n, _ := strconv.Atoi(m[2])
	g.live, g.key = m[1]+m[3], numberKey(n)
	return g, true
}

// group makes the sources of files that are read as the configuration says.
func (c Config) group(paths []string) []logs.Source {
	sources := group(paths, c.Shelf)
	for _, src := range sources {
		for _, part := range src.Parts {
			if f, ok := part.(*File); ok {
				f.whole = c.Whole
			}
		}
	}
	return sources
}

// group makes sources from files: a file and its rotated generations form one source, in
// time order. Indexes are kept on the shelf, if there is one.
func group(paths []string, shelf *Shelf) []logs.Source {
	byLive := map[string][]generation{}
	var order []string
	there := map[string]bool{}
	for _, path := range paths {
		there[path] = true
	}
	for _, path := range paths {
		g := nameOf(path)
		if inner, ok := innerOf(g); ok && there[inner.live] {
			g = inner
		}
		if byLive[g.live] == nil {
			order = append(order, g.live)
		}
		byLive[g.live] = append(byLive[g.live], g)
	}
	sort.Strings(order)
	sources := make([]logs.Source, 0, len(order))
	for _, live := range order {
		src := logs.Source{Name: live}
		for _, g := range sortGenerations(byLive[live]) {
			src.Parts = append(src.Parts, &File{path: g.path, shelf: shelf})
		}
		sources = append(sources, src)
	}
	return sources
}

// sortGenerations sorts them by time. If a generation exists both compressed and
// uncompressed, as it does while it is being compressed, the uncompressed file is used.
func sortGenerations(all []generation) (out []generation) {
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if (a.key == "") != (b.key == "") {
			return b.key == ""
		}
		if a.key != b.key {
			return a.key < b.key
		}
		return !a.packed && b.packed
	})
	for i, g := range all {
		if i > 0 && g.key != "" && g.key == all[i-1].key && g.packed {
			continue
		}
		out = append(out, g)
	}
	return out
}

// expand finds the files that match a pattern, each by one name. A name without * ? [ is
// returned unchanged, whether it exists or not.
func expand(pattern string) ([]string, error) {
	files, err := matching(pattern)
	return once(files), err
}

// matching finds the names that match a pattern; ~ is the home folder.
func matching(pattern string) ([]string, error) {
	pattern = config.Home(pattern)
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	files := found[:0]
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	return files, nil
}
