// Package redact masks secrets in text that a person or a file will see:
// passwords in DSNs, URLs, options and JSON, tokens and cookies.
package redact

import "regexp"

// Mask stands where a secret was.
const Mask = "••••••"

var rules = []struct {
	re   *regexp.Regexp
	with string
}{
	// scheme://user:secret@host and the driver's user:secret@tcp(host).
	{regexp.MustCompile(`(://[^\s:/@]*:)[^\s@/]+(@)`), "${1}" + Mask + "${2}"},
	{regexp.MustCompile(`(\b[\w.-]+:)[^\s@:/]+(@(?:tcp|unix)\()`), "${1}" + Mask + "${2}"},
	{regexp.MustCompile(`(?i)(\bauthorization\s*[:=]\s*"?(?:bearer|basic)\s+)[\w.~+/=-]+`), "${1}" + Mask},
	{regexp.MustCompile(`(?i)((?:set-)?cookie\s*:\s*)[^\r\n"]+`), "${1}" + Mask},
	{regexp.MustCompile(`(?i)("[\w-]*(?:password|passwd|secret|token|api_?key|access_?key|private_?key)"\s*:\s*")(?:[^"\\]|\\.)*(")`), "${1}" + Mask + "${2}"},
	// JSON within a JSON text, its quotes behind backslashes.
	{regexp.MustCompile(`(?i)(\\"[\w-]*(?:password|passwd|secret|token|api_?key|access_?key|private_?key)\\"\s*:\s*\\")(?:[^"\\]|\\\\.)*(\\")`), "${1}" + Mask + "${2}"},
	{regexp.MustCompile(`(?i)(\b[\w-]*(?:password|passwd|pwd|secret|token|api_?key|access_?key)\b\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&,;"']+)`), "${1}" + Mask},
	{regexp.MustCompile(`(?i)(\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`), "${1}" + Mask},
	{regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+`), Mask},
}

// Text returns s with the secrets that can be recognised masked.
func Text(s string) string {
	for _, r := range rules {
		s = r.re.ReplaceAllString(s, r.with)
	}
	return s
}
