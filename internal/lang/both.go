package lang

// Both is a sentence that is kept in both languages, for whoever reads it later.
type Both struct {
	EN string `json:"en,omitempty"`
	ZH string `json:"zh,omitempty"` // empty where it is as EN
}

// InBoth makes a Both of a sentence.
func InBoth(m Msg) Both { return BothBy(func(p *Printer) string { return p.Msg(m) }) }

// BothBy makes a Both of what say says in each language.
func BothBy(say func(*Printer) string) Both {
	b := Both{EN: say(English()), ZH: say(Chinese())}
	if b.ZH == b.EN {
		b.ZH = ""
	}
	return b
}

// In is the text in a printer's language.
func (b Both) In(p *Printer) string {
	text := b.EN
	if p.Code() == "zh" && b.ZH != "" {
		text = b.ZH
	}
	if p.after != nil {
		return p.after(text)
	}
	return text
}

// Empty tells whether there is nothing to say.
func (b Both) Empty() bool { return b.EN == "" && b.ZH == "" }
