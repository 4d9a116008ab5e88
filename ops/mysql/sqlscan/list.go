package sqlscan

// PartEnd is the index of the comma that ends the part at i of a statement's list, or the
// end. Commas in brackets do not end it.
func (p *Parsed) PartEnd(i int) int {
	for depth := 0; i < p.Len(); i++ {
		switch {
		case p.Is(i, "("):
			depth++
		case p.Is(i, ")"):
			depth--
		case depth == 0 && p.Is(i, ","):
			return i
		}
	}
	return i
}

// ItemEnd is PartEnd for a list in brackets: the closing bracket ends the last item.
func (p *Parsed) ItemEnd(i int) int {
	for depth := 0; i < p.Len(); i++ {
		switch {
		case p.Is(i, "("):
			depth++
		case p.Is(i, ")") && depth > 0:
			depth--
		case depth == 0 && (p.Is(i, ",") || p.Is(i, ")")):
			return i
		}
	}
	return i
}
