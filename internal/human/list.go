package human

import "strings"

// listEscapes are the characters that a list of names has a backslash before.
var listEscapes = strings.NewReplacer(`\`, `\\`, `,`, `\,`)

// ShellList writes names as one word of a shell for a flag that takes a list: commas between
// them, and a backslash before a comma that belongs to a name.
func ShellList(names []string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = listEscapes.Replace(n)
	}
	return Shell(strings.Join(parts, ","))
}
