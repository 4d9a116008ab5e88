package line

import "opsdeck/ops/logs"

// NestHead reads the level and the time of a line that begins as Nest begins one by default:
// "[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG text". With ok, Parse reads them so whatever follows.
func (p *Parser) NestHead(line []byte) (level logs.Level, ms int64, ok bool) {
	const lead = "[Nest] "
	if p.style != nil || p.Learns || len(line) < len(lead) || string(line[:len(lead)]) != lead {
		return 0, Unset, false
	}
	pid := len(lead)
	i := pid
	for i < len(line) && Digit(line[i]) {
		i++
	}
	dash := skipBlank(line, i)
	if i == pid || dash == i || dash+1 >= len(line) || line[dash] != '-' {
		return 0, Unset, false
	}
	date := skipBlank(line, dash+1)
	var t Stamp
	n := SlashDate(line[date:], &t)
	if n == 0 {
		return 0, Unset, false
	}
	word := skipBlank(line, date+n)
	if word == date+n || word-dash > nestDateBytes/2 {
		return 0, Unset, false
	}
	end := After(line[:min(len(line), word+len("VERBOSE")+1)], ' ', word)
	if end == len(line) || end-word > len("VERBOSE") {
		return 0, Unset, false
	}
	switch string(line[word:end]) {
	case "LOG":
		level = logs.LevelInfo
	case "ERROR":
		level = logs.LevelError
	case "WARN":
		level = logs.LevelWarn
	case "DEBUG":
		level = logs.LevelDebug
	case "VERBOSE":
		level = logs.LevelVerbose
	case "FATAL":
		level = logs.LevelFatal
	default:
		return 0, Unset, false
	}
	return level, p.Millis(&t), true
}
