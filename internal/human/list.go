package human

import "strings"

// ShellList writes names as one word of a shell for a flag that takes a list: commas between
// them, and a backslash before a comma that belongs to a name.
func ShellList(names []string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = strings.ReplaceAll(n, ",", `\,`)
	}
	return Shell(strings.Join(parts, ","))
}
