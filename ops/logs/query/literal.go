package query

// Literal is a word that every hit must hold unchanged.
func (q *Query) Literal() (f Finder, ok bool) {
	best := 2
	for _, g := range q.Groups {
		if len(g) != 1 || g[0].Not {
			continue
		}
		t := g[0]
		word := ""
		fold := g[0].Fold
		switch t.Kind {
		case TermExact, TermPrefix, TermSuffix, TermEqual:
			word = t.Text
		case TermRegexp:
			word = t.Literal()
			fold = false
		}
		if len(word) > best && (!fold || ascii(word)) {
			best, f, ok = len(word), newFinder(word, fold), true
		}
	}
	return f, ok
}

// OneExact tells whether a line matches that holds the query's literal, and no other.
func (q *Query) OneExact() bool { return len(q.Groups) == 1 && q.Groups[0][0].Kind == TermExact }
