package logview

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// Bookmark is a line to come back to, known by its time and its text's hash, so
// that it is found again after a rotation and after a restart.
type Bookmark struct {
	At     time.Time `json:"at"`
	Sum    string    `json:"sum"`
	Source string    `json:"source"`
	Text   string    `json:"text"` // the beginning of the message, secrets masked
	Note   string    `json:"note,omitempty"`
}

// markText is how much of a message a bookmark keeps.
const markText = 120

func bookmarkOf(r store.Row) Bookmark {
	h := fnv.New64a()
	line, _, _ := strings.Cut(r.Event.Raw, "\n")
	h.Write([]byte(line))
	return Bookmark{
		At:     r.Event.Time,
		Sum:    fmt.Sprintf("%016x", h.Sum64()),
		Source: r.Event.Source,
		Text:   cells.Cut(termsafe.Line(logline.Mask(oneLine(r.Event.Message))), markText),
	}
}

func (b Bookmark) is(o Bookmark) bool { return b.Sum == o.Sum && b.At.Equal(o.At) }

// markOf finds the row's bookmark among the page's.
func (p *book) markOf(r store.Row) int {
	if len(p.marks) == 0 {
		return -1
	}
	b := bookmarkOf(r)
	return slices.IndexFunc(p.marks, b.is)
}

// bookmark sets a bookmark or takes it away.
func (p *Page) bookmark() tea.Cmd {
	r, _ := p.list.current()
	if i := p.book.markOf(r); i >= 0 {
		p.book.marks = slices.Delete(p.book.marks, i, i+1)
		return p.book.saveMarks()
	}
	p.book.addMark(bookmarkOf(r))
	return p.book.saveMarks()
}

func (p *book) addMark(b Bookmark) {
	p.marks = append(p.marks, b)
	slices.SortStableFunc(p.marks, func(a, b Bookmark) int { return a.At.Compare(b.At) })
}

// note asks for a bookmark's note.
func (p *Page) note() tea.Cmd {
	r, _ := p.list.current()
	b := bookmarkOf(r)
	if i := p.book.markOf(r); i >= 0 {
		b = p.book.marks[i]
	}
	return page.Send(
		page.Open{Overlay: widget.NewPrompt(p.look.env, lang.M("Note"), b.Text, b.Note, func(text string) tea.Cmd {
			b.Note = text
			if i := slices.IndexFunc(p.book.marks, b.is); i >= 0 {
				p.book.marks[i] = b
			} else {
				p.book.addMark(b)
			}
			return p.book.saveMarks()
		})},
	)
}

// saveMarks keeps the bookmarks for the next time.
func (p *book) saveMarks() tea.Cmd {
	save := p.look.o.SaveMarks
	marks := slices.Clone(p.marks)
	if save == nil {
		return nil
	}
	return func() tea.Msg {
		if err := save(marks); err != nil {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("the bookmarks cannot be saved: %s", lang.Raw(err.Error())),
			}
		}
		return nil
	}
}

// nextBookmark goes to the bookmark after the cursor, and round.
func (p *feed) nextBookmark() tea.Cmd {
	r, _ := p.list.current()
	at := r.Event.Time
	if p.book.toMark != nil { // on the way to one
		at = p.book.toMark.At
	}
	next := p.book.marks[0]
	for _, b := range p.book.marks {
		if b.At.After(at) {
			next = b
			break
		}
	}
	return p.goToMark(next)
}

func (p *feed) goToMark(b Bookmark) tea.Cmd {
	p.list.leaveEnd()
	p.cancelJump()
	p.ask.ranked = false
	p.book.toMark = &b
	p.want = wish{true, store.Place{At: b.At}, p.list.listHeight() / 3}
	return p.load()
}

// onMark puts the cursor on the bookmark that one went to.
func (p *book) onMark() {
	if p.toMark == nil {
		return
	}
	b := *p.toMark
	p.toMark = nil
	for i := p.list.cur; i < len(p.list.rows); i++ {
		if r := p.list.rows[i]; r.Event.Time.After(b.At) {
			return
		} else if bookmarkOf(r).is(b) {
			p.list.cur = i
			p.list.settle()
			return
		}
	}
}

// pickMark lists the bookmarks with their notes.
func (p *feed) pickMark() tea.Cmd {
	marks := slices.Clone(p.book.marks)
	items := make([]widget.Item, len(marks))
	for i, b := range marks {
		items[i] = widget.Item{Name: p.look.env.Time(b.At), Detail: b.Text}
		if d := between(marks, i); d != "" {
			items[i].Name += " " + d
		}
		if b.Note != "" {
			items[i].Detail = b.Note + " · " + b.Text
		}
	}
	return page.Send(
		page.Open{
			Overlay: widget.NewPick(p.look.env, lang.M("Bookmarks"), items,
				func(i int) tea.Cmd { return p.goToMark(marks[i]) }),
		},
	)
}
