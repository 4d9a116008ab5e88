package query

// Narrows tells whether every hit of q is one of old too, by a look at their
// words alone.
func (q *Query) Narrows(old *Query) bool {
	if q.HasTests() || old.HasTests() || len(old.Groups) > len(q.Groups) {
		return false
	}
	for i, g := range old.Groups {
		n := q.Groups[i]
		if len(g) != 1 || len(n) != 1 || !n[0].implies(&g[0]) {
			return false
		}
	}
	return true
}

func (t *Term) implies(old *Term) bool {
	if t.Kind != old.Kind || t.Not || old.Not || t.Fold && !old.Fold || t.Kind == TermRegexp {
		return false
	}
	text := t.Text
	if old.Fold {
		text = foldString(text)
	}
	switch t.Kind {
	case TermFuzzy, TermPrefix:
		return len(text) >= len(old.Text) && text[:len(old.Text)] == old.Text
	case TermExact:
		return index(text, old.Text, false) >= 0
	}
	return text == old.Text
}

func foldString(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		out = append(out, foldRune(r))
	}
	return string(out)
}
