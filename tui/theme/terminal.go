package theme

import (
	"slices"
	"strings"
)

// Poor tells whether a terminal draws ASCII alone: by its kind, or by a
// locale that is set and is not one of UTF-8, as setlocale(3) finds it.
func Poor(getenv func(string) string) bool {
	if slices.Contains([]string{"linux", "vt52", "vt100", "vt102", "vt220", "ansi", "cons25"}, getenv("TERM")) {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}

// DarkBackground decides by configuration, else by COLORFGBG, which many
// terminals set to "foreground;background"; 7 and 15 are the light ones.
func DarkBackground(asked, colorfgbg string) bool {
	switch asked {
	case "dark":
		return true
	case "light":
		return false
	}
	n := len(colorfgbg)
	return !(n >= 2 && colorfgbg[n-2:] == ";7" || n >= 3 && colorfgbg[n-3:] == ";15")
}
