package alert

import (
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/jsonl"
)

// ordersFile holds what people and other commands ask of the alerts, a record a line,
// in the state folder. Anybody who may write there appends; the running watch carries
// it out, and whoever reads the book sees it at once.
const ordersFile = "alert-orders.jsonl"

// Order is a line of ordersFile.
type Order struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // silence, unsilence, ack
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Rule    string    `json:"rule,omitempty"`    // "*" for all
	Service string    `json:"service,omitempty"` // "" for all
	Alert   string    `json:"alert,omitempty"`   // ack: the alert's ID; "" for all of the rule
	Silence string    `json:"silence,omitempty"` // unsilence: the silence's ID; "" for all of the rule
	Until   time.Time `json:"until,omitzero"`
	Why     Text      `json:"why,omitzero"`
}

// Kinds of orders.
const (
	OrderSilence   = "silence"
	OrderUnsilence = "unsilence"
	OrderAck       = "ack"
)

// Ask records an order, durably, and returns its ID.
func Ask(dir string, o Order) (id string, err error) {
	var random [6]byte
	rand.Read(random[:])
	o.ID = hex.EncodeToString(random[:])
	return o.ID, jsonl.Append(filepath.Join(dir, ordersFile), o)
}

// Obey carries out the orders that were not yet. It returns whether there were any.
func (b *Book) Obey(dir string) (changed bool, err error) {
	var orders []Order
	if err := jsonl.Each(filepath.Join(dir, ordersFile), func(o Order) { orders = append(orders, o) }); err != nil {
		return false, err
	}
	if int64(len(orders)) < b.Orders { // the file was replaced
		b.Orders = 0
		changed = true
	}
	for _, o := range orders[b.Orders:] {
		b.obey(o)
		changed = true
	}
	b.Orders = int64(len(orders))
	return changed, nil
}

func (b *Book) obey(o Order) {
	switch o.Kind {
	case OrderSilence:
		b.silence(Silence{
			ID: o.ID, Rule: o.Rule, Service: o.Service, From: o.At, Until: o.Until, Why: o.Why, By: o.By,
		})
	case OrderUnsilence:
		for i := range b.Silences {
			s := &b.Silences[i]
			named := s.ID == o.Silence || o.Silence == "" && s.Rule == o.Rule && s.Service == o.Service
			if named && o.At.Before(s.Until) {
				s.Until = o.At
			}
		}
	case OrderAck:
		b.acknowledge(o)
		for i := range b.Alerts {
			if a := &b.Alerts[i]; o.names(a) && a.AckBy == "" && !a.FiredAt.IsZero() {
				a.AckBy = o.By
				a.AckAt = o.At
			}
		}
	}
}

// silence begins a silence. Where a person's is in force for the same rule, and a person
// asks again, that one lasts until then.
func (b *Book) silence(s Silence) {
	for i := range b.Silences {
		old := &b.Silences[i]
		if old.ID == s.ID {
			return
		}
		if s.byPerson() && old.byPerson() && old.Rule == s.Rule && old.Service == s.Service &&
			!s.From.Before(old.From) && s.From.Before(old.Until) {
			old.Until, old.Why, old.By = s.Until, s.Why, s.By
			return
		}
	}
	b.Silences = append(b.Silences, s)
}

// names tells whether an acknowledgement is for an alert. One that began after it was
// not meant.
func (o Order) names(a *Alert) bool {
	if o.Alert != "" {
		return o.Alert == a.ID
	}
	return (o.Rule == "*" || o.Rule == a.Rule) && (o.Service == "" || o.Service == a.Service) &&
		!a.FiredAt.After(o.At)
}

// show gives the alerts the states that silences and acknowledgements make, for those
// who read the book between two steps.
func (b *Book) show(now time.Time) {
	for i := range b.Alerts {
		a := &b.Alerts[i]
		if a.FiredAt.IsZero() {
			continue
		}
		if a.State == Firing && a.AckBy != "" {
			a.State = Acknowledged
		}
		for _, s := range b.Silences {
			if s.covers(a, now) {
				a.State = Silenced
				a.SilencedBy = s.Why
			}
		}
	}
}

// Open are the silences in force, the oldest first.
func (b *Book) Open(now time.Time) (open []Silence) {
	for _, s := range b.Silences {
		if !now.Before(s.From) && now.Before(s.Until) {
			open = append(open, s)
		}
	}
	return open
}

// Watched splits a rule's name as people write it, SERVICE/RULE or RULE.
func Watched(name string) (service, rule string) {
	if service, rule, ok := strings.Cut(name, "/"); ok {
		return service, rule
	}
	return "", name
}
