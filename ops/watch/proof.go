package watch

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/pattern"
)

// dumpTool is a program that dumps databases of MySQL or MariaDB.
var dumpTool = pattern.New(`^(?:.*/)?(?:mysqldump|mariadb-dump)$`)

// valued are the dump tools' short options that take the next word as their value.
var valued = []string{"-u", "-h", "-P", "-S", "-r", "-w", "-T"}

// Proven tells whether a crontab's line provably backs up the database db, and no
// other, into the folder dir: by the line itself, or by the text of the script that it
// runs, which read gives and by names. What names no database, several, all or another
// folder is not proven.
func Proven(line string, read func(file string) (string, error), db, dir string) (by string, proven bool) {
	if !isOld(line) {
		return "", false
	}
	command := commandOf(line)
	if proves(command, db, dir) {
		return "", true
	}
	words := shellWords(command)
	for i, w := range words {
		if !strings.HasPrefix(w, "/") {
			continue // sh, nice, env of the command; a relative path is of an unknown folder
		}
		if dumpTool.MatchString(w) {
			return "", false
		}
		text, err := read(w)
		return w, err == nil && proves(expand(text, words[i+1:]), db, dir)
	}
	return "", false
}

// commandOf is what a line of a user's crontab runs.
func commandOf(line string) string {
	line = strings.ReplaceAll(strings.TrimSpace(line), `\%`, "%")
	fields := 5
	if strings.HasPrefix(line, "@") {
		fields = 1
	}
	for range fields {
		_, rest, _ := strings.Cut(line, " ")
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			rest = line[i+1:]
		}
		line = strings.TrimLeft(rest, " \t")
	}
	return line
}

// proves looks at each dump in a command or script: all of them are of db alone, and
// one at least goes into dir.
func proves(text, db, dir string) bool {
	found, into := false, false
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		words := shellWords(line)
		for i, w := range words {
			if !dumpTool.MatchString(w) {
				continue
			}
			if !slices.Equal(dumped(words[i+1:]), []string{db}) {
				return false
			}
			found = true
			into = into || writesInto(words[i+1:], dir)
		}
	}
	return found && into
}

// dumped are the databases that a dump tool's arguments name; "*" for all.
func dumped(words []string) (names []string) {
	several := false
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case strings.ContainsAny(w[:1], "|>;&<)"), strings.HasPrefix(w, "2>"):
			return names
		case w == "--all-databases" || w == "-A":
			return []string{"*"}
		case w == "--databases" || w == "-B":
			several = true
		case slices.Contains(valued, w):
			i++
		case strings.HasPrefix(w, "-"):
		case !several && len(names) == 1:
			return []string{"*"} // a table of it: a part
		default:
			names = append(names, w)
		}
	}
	return names
}

// writesInto tells whether a command's output goes into a file of dir.
func writesInto(words []string, dir string) bool {
	for i, w := range words {
		if w == ";" || w == "&&" || w == "||" {
			return false
		}
		if (w == ">" || w == "-r") && i+1 < len(words) && path.Dir(words[i+1]) == path.Clean(dir) {
			return true
		}
		if file, ok := strings.CutPrefix(w, "--result-file="); ok && path.Dir(file) == path.Clean(dir) {
			return true
		}
	}
	return false
}

var (
	assignment = pattern.New(`(?m)^\s*(?:export\s+|readonly\s+|local\s+)?([A-Za-z_]\w*)=(?:"([^"$` + "`" +
		`]*)"|'([^']*)'|([^\s;"'$` + "`" + `]*))\s*(?:;|#.*)?$`)
	variable = pattern.New(`\$(?:\{(\w+)\}|(\w+))`)
)

// expand puts the plain values of a script's variables, and its arguments, in their
// places. One that is set twice has no certain value and stays as it is.
func expand(text string, args []string) string {
	values := map[string]string{}
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		value := m[2] + m[3] + m[4]
		if old, twice := values[m[1]]; twice && old != value {
			value = "$" + m[1]
		}
		values[m[1]] = value
	}
	for i, a := range args {
		values[strconv.Itoa(i+1)] = a
	}
	for range 4 { // a value may name another
		text = variable.ReplaceAllStringFunc(text, func(use string) string {
			name := strings.Trim(use, "${}")
			if v, ok := values[name]; ok {
				return v
			}
			return use
		})
	}
	return text
}

// shellWords splits a line as a shell does, near enough: quotes are taken off, and the
// operators are words of their own. A comment ends it.
func shellWords(line string) (words []string) {
	var word strings.Builder
	quote := byte(0)
	open := false
	flush := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == '#' && !open:
			return words
		case c == ' ' || c == '\t':
			flush()
		case strings.IndexByte("|>;&<()", c) >= 0:
			flush()
			op := string(c)
			if i+1 < len(line) && line[i+1] == c {
				op += string(c)
				i++
			}
			words = append(words, op)
		default:
			open = true
			word.WriteByte(c)
		}
	}
	flush()
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
