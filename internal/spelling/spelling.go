// Package spelling finds the name that a person may have meant by a misspelt one.
package spelling

// Distance is the number of single-byte edits between two words, a swap of neighbours counting
// as one (optimal string alignment).
func Distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// Nearest is the name that differs least from a word, by two edits at most and in less than half
// of the word; "" if none is so near. Of two that are as near it is the first.
func Nearest(word string, names []string) (nearest string) {
	least := 3
	for _, name := range names {
		if d := Distance(word, name); d < least && 3*d <= max(len(word), len(name))+1 {
			nearest, least = name, d
		}
	}
	return nearest
}
