package line

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"strings"
)

var readerNames = map[Reader]string{
	ReaderNone:       "none",
	ReaderConfigured: "configured",
	ReaderNest:       "nest",
	ReaderJSON:       "json",
	ReaderContainer:  "container",
	ReaderTime:       "time",
	ReaderProgram:    "program",
	ReaderLogfmt:     "logfmt",
	ReaderLevel:      "level",
	ReaderCont:       "continues",
}

var innerNames = map[logs.Format]string{
	logs.FormatNest: "nest", logs.FormatJSON: "json", logs.FormatLogfmt: "logfmt",
}

// Name is a reader's name for programs.
func (r Reader) Name() string { return readerNames[r] }

// InnerName is the name, for programs, of the format after a time in front; "" for none.
func (x Explained) InnerName() string { return innerNames[x.Inner] }

// Why says in a sentence what a line was known by.
func (x Explained) Why() lang.Msg {
	switch x.Reader {
	case ReaderConfigured:
		return lang.M("format %s of log_formats: its pattern matches", x.Format)
	case ReaderNest:
		return lang.M("Nest: a name in brackets, a process id, a date, a level")
	case ReaderJSON:
		if raw := strings.TrimSpace(x.Event.Raw); !strings.HasPrefix(raw, "{") || !strings.HasSuffix(raw, "}") {
			return lang.M("JSON: this line and those below it are one record")
		}
		return lang.M("JSON: the line is one object")
	case ReaderContainer:
		return lang.M("container runtime: time, stream and tag, then the line of the container")
	case ReaderTime:
		if name := innerNames[x.Inner]; name != "" {
			return lang.M("a time at the beginning, then a line of the format %s", name)
		}
		return lang.M("a time at the beginning, then level, context and text")
	case ReaderProgram:
		return lang.M("the line has the form of a known program")
	case ReaderLogfmt:
		return lang.M("logfmt: pairs of key=value")
	case ReaderLevel:
		return lang.M("a level at the beginning, no time")
	case ReaderCont:
		return lang.M("the line is part of the event above it")
	}
	return lang.M("no known format: neither a time nor a level was found")
}

// Notes are what else a person may ask about a line's reading.
func (x Explained) Notes() []lang.Msg {
	var out []lang.Msg
	if x.Doubt != logs.LevelUnknown {
		out = append(
			out,
			lang.M("the first word is not read as the level %s: it may start a sentence", x.Doubt.String()),
		)
	}
	if x.Numbered {
		out = append(out, lang.M("the level comes from a number"))
	}
	if x.Reader == ReaderNone {
		out = append(out, lang.M("describe the format under log_formats, or run: opsdeck logs learn FILE"))
	}
	return out
}
