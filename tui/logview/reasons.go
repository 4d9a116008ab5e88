package logview

import (
	"opsdeck/internal/lang"
)

func (p *list) noRow() lang.Msg {
	if _, ok := p.current(); !ok {
		return lang.M("no event is listed")
	}
	return lang.Msg{}
}

func (p *list) noTime() lang.Msg {
	if r, ok := p.current(); !ok || r.Event.Time.IsZero() {
		return lang.M("the event has no time")
	}
	return lang.Msg{}
}

func (p *asking) noHits() lang.Msg {
	if p.asked.Empty() {
		return lang.M("there is no search")
	}
	return lang.Msg{}
}

// nothingAsked is noHits, but where all events are shown there is a way back.
func (p *asking) nothingAsked() lang.Msg {
	if !p.filter {
		return lang.Msg{}
	}
	return p.noHits()
}

func (p *asking) noPlainWord() lang.Msg {
	if _, ok := p.asked.AsText(); ok || p.asked.Worded {
		return lang.Msg{}
	}
	return lang.M("the query has no plain words")
}

func (p *asking) noWords() lang.Msg {
	if !p.asked.HasText() {
		return lang.M("without search words, all events match equally")
	}
	return lang.Msg{}
}

func (p *heading) noExport() lang.Msg {
	if p.writing {
		return lang.M("an export is being written")
	}
	return lang.Msg{}
}

func (p *box) noSearch() lang.Msg {
	if len(p.look.o.Searches)+len(p.history) == 0 {
		return lang.M("no saved searches (searches: in the configuration) and no search history")
	}
	return lang.Msg{}
}

func (p *book) noBookmark() lang.Msg {
	if len(p.marks) == 0 {
		return lang.M("no bookmark is set")
	}
	return lang.Msg{}
}
