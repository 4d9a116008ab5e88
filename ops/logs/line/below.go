package line

import (
	"bytes"
	"regexp"
	"strings"

	"opsdeck/ops/logs"
)

// Of some programs an event's first line has the time alone, and what happened is on the line
// below: of Oracle's alert log, and of java.util.logging, where the class and the method are
// beside the time (SimpleFormatter), and the level is the first word below.

// textBelow reads such a first line: its time, and what follows that.
func textBelow(time, rest []byte) (e logs.Event, ok bool) {
	e.Format = logs.FormatText
	if len(bytes.TrimRight(rest, " ")) == 0 {
		return e, true
	}
	class, method, _ := bytes.Cut(rest, []byte{' '})
	if !javaTime(time) || !javaName(class) || len(method) > 0 && !javaName(method) {
		return e, false
	}
	if _, level := logs.ParseLevel(string(class)); level {
		return e, false
	}
	e.Context, e.Message = string(class), string(rest)
	return e, true
}

// javaTime tells whether a time is in the form of java.util.logging: "Jan 29, 2026 2:00:00 PM".
func javaTime(time []byte) bool {
	last := time[len(time)-1]
	return bytes.IndexByte(time, ',') > 0 && (last == 'M' || last == '.' || last >= 0x80)
}

// javaName tells whether a word may be the name of a class, a logger or a method: "<init>",
// "lambda$main$0".
func javaName(word []byte) bool {
	if len(word) == 0 {
		return false
	}
	for _, c := range word {
		if !Alnum[c] && c < 0x80 && bytes.IndexByte([]byte("._$<>-"), c) < 0 {
			return false
		}
	}
	return !Digit(word[0])
}

// isBelow tells whether only the first line of such an event was read.
func isBelow(e *logs.Event) bool {
	return e.Format == logs.FormatText && e.Level == logs.LevelUnknown && (e.Message == "" || isJava(e))
}

func isJava(e *logs.Event) bool {
	return e.Context != "" && strings.HasPrefix(e.Message, e.Context) &&
		(len(e.Message) == len(e.Context) || e.Message[len(e.Context)] == ' ')
}

// javaLevels are the words of java.util.logging's levels in the languages of the JDK 17, printed by
// itself, as far as other programs do not use them so.
var javaLevels = func() map[string]logs.Level {
	words := map[string]logs.Level{}
	for level, line := range map[logs.Level]string{
		logs.LevelError: "SEVERE|SCHWERWIEGEND|GRAVE|重大|심각|严重|嚴重",
		logs.LevelWarn:  "WARNUNG|ADVERTENCIA|AVERTISSEMENT|AVVERTENZA|警告|경고|ADVERTÊNCIA",
		logs.LevelInfo: "INFORMATION|INFORMACIÓN|INFOS|INFORMAZIONI|情報|정보|INFORMAÇÕES|信息" +
			"|資訊",
		logs.LevelDebug: "KONFIGURATION|FEIN|CONFIG|CONFIGURAR|DETALLADO|PRÉCIS|CONFIGURAZIONE" +
			"|BUONO|構成|普通|구성|미세|CONFIGURAÇÃO|DETALHADO|配置|详细|組態|詳細",
		logs.LevelVerbose: "FEINER|AM FEINSTEN|MUY DETALLADO|MÁS DETALLADO|PLUS PRÉCIS" +
			"|LE PLUS PRÉCIS|MIGLIORE|OTTIMALE|最も詳細|보다 미세|가장 미세" +
			"|MAIS DETALHADO|O MAIS DETALHADO|较详细|非常详细|較詳細|最詳細",
	} {
		for word := range strings.SplitSeq(line, "|") {
			words[word] = level
		}
	}
	return words
}()

// javaText reads "SEVERE: text".
func javaText(line string) (l logs.Level, text string, ok bool) {
	word, text, ok := strings.Cut(line[:min(len(line), 48)], ":")
	if !ok || text != "" && text[0] != ' ' {
		return l, "", false
	}
	word = strings.ReplaceAll(word, "\u00a0", " ")
	if l, ok = javaLevels[word]; !ok {
		if l, ok = logs.LevelWords[word]; !ok {
			return l, "", false
		}
	}
	_, text, _ = strings.Cut(line, ":")
	return l, strings.TrimPrefix(text, " "), true
}

// oracleError is an error's number in what Oracle writes.
var oracleError = regexp.MustCompile(`(?m)^(ORA|TNS)-\d{4,5}`)

// Below reads the level and the text from the lines below an event's first line, with which
// the text begins. ok is false where they do not belong to it.
func (p *Parser) Below(text string) (l logs.Level, message string, ok bool) {
	first, rest, _ := strings.Cut(text, "\n")
	rest = strings.TrimLeft(rest, "\r\n")
	message = strings.TrimRight(lineOf(rest), "\r")
	if message == "" {
		return l, "", false
	}
	if _, n := p.AnyTime([]byte(message)); n > 0 {
		return l, "", false
	}
	if l, said, ok := javaText(message); ok {
		return l, said, true
	}
	e, _ := p.Parse([]byte(strings.TrimRight(first, "\r")))
	if e.Message != "" {
		return l, "", false // a class, and no level below
	}
	l, _ = bodies(p).levelAfterTime([]byte(message))
	if at := oracleError.FindStringIndex(rest); l == logs.LevelUnknown && at != nil && !p.timeWithin(rest[:at[0]]) {
		l = logs.LevelError
	}
	return l, message, true
}

// timeWithin tells whether a line of a text begins with a time: another event.
func (p *Parser) timeWithin(text string) bool {
	for line := range strings.Lines(text) {
		if _, n := p.AnyTime([]byte(line)); n > 0 {
			return true
		}
	}
	return false
}

// wholeBelow reads what the lines below say of an event.
func (p *Parser) wholeBelow(e *logs.Event) {
	if l, message, ok := p.Below(e.Raw); ok {
		e.Level, e.Message = l, message
	}
}

// Below returns the number of the placeholder shape for first lines of events whose level is
// on a line below.
func (s *Shapes) Below(l logs.Level) uint32 {
	return s.placeholder(&Shape{Level: l, part: partBelow}, belowSeed)
}

const belowSeed = 0x62656c6f77 // "below"
