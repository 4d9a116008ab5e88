package line

import "bytes"

// In a text without times each line without a sign is an event, but for those of a traceback
// of Python (Lib/traceback.py): the line that names the error is not indented. It belongs to
// the error before it, as "ERROR:    Exception in ASGI application" of Uvicorn; and further
// ones follow for the errors that it came of.

var tracebackBegins = []byte("Traceback (most recent call last):")

// tracebackGoesOn are the lines between two tracebacks of one error.
var tracebackGoesOn = [...][]byte{
	[]byte("During handling of the above exception, another exception occurred:"),
	[]byte("The above exception was the direct cause of the following exception:"),
}

// bare tells whether a line without a sign begins an event in a text without times; was is
// the rule of errors before it. After a traceback that rule is errorMay.
func (f *Flow) bare(part Part, raw []byte, was errorRule) bool {
	switch {
	case part == partBlank && (f.trace || was == errorMay):
		f.error = was
		return false
	case part == partError && bytes.Contains(raw, tracebackBegins):
		belongs := f.trace || was == errorWithin
		f.trace, f.error = true, errorWithin
		return !belongs
	case f.trace:
		f.trace, f.error = false, errorMay
		return false
	case was == errorMay && goesOnTracing(raw):
		f.trace, f.error = true, errorWithin
		return false
	}
	f.error = errorNone
	if part == partError || part == partTold {
		f.error = errorWithin
	}
	return true
}

func goesOnTracing(raw []byte) bool {
	for _, says := range tracebackGoesOn {
		if bytes.Contains(raw, says) {
			return true
		}
	}
	return false
}
