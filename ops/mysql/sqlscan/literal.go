package sqlscan

// Literal counts the rows behind VALUES of an INSERT, from the byte at from on,
// and tells whether they hold values only: strings, numbers, NULL, DEFAULT,
// charset introducers and calls of functions without a schema; no name with a
// dot, no subquery, no variable, and nothing behind the rows.
func Literal(sql []byte, from int, mode Mode) (rows int, ok bool) {
	inCode, depth := false, 0
	for at := from; at < len(sql); {
		tok, _ := scan(sql, at, mode, inCode)
		at = tok.End
		switch tok.Kind {
		case Space, Comment:
		case String, Number:
			ok = depth > 0
		case Word:
			ok = depth > 0 && !is(sql[tok.Start:tok.End], "SELECT")
		case Punct:
			c := sql[tok.Start]
			if c == '(' {
				depth++
			}
			if c == ')' {
				if depth--; depth == 0 {
					rows++
				}
			}
			ok = c != '.' && c != ';' && (depth > 0 || c == ',' || c == ')' && depth == 0)
		default:
			ok = false
		}
		if !ok && tok.Kind != Space && tok.Kind != Comment {
			return rows, false
		}
	}
	return rows, ok && depth == 0
}

func is(word []byte, upper string) bool {
	if len(word) != len(upper) {
		return false
	}
	for i := range word {
		if word[i]&^0x20 != upper[i] {
			return false
		}
	}
	return true
}
