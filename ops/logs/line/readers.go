package line

// A Parser reads a line in an order ("one"); what it reads is known to four readers. Each
// is a view of the parser: it has no state of its own, and they call each other, since a
// line may hold another (a JSON text in a syslog line after the time of Docker).

// headReader reads the lines of programs that begin in a way of their own.
type headReader struct{ p *Parser }

// objectReader reads JSON, and the texts inside it.
type objectReader struct{ p *Parser }

// bodyReader reads the text after a line's time.
type bodyReader struct{ p *Parser }

// lateReader reads the lines whose time comes after other words.
type lateReader struct{ p *Parser }

func heads(p *Parser) headReader     { return headReader{p} }
func objects(p *Parser) objectReader { return objectReader{p} }
func bodies(p *Parser) bodyReader    { return bodyReader{p} }
func lateTimes(p *Parser) lateReader { return lateReader{p} }
