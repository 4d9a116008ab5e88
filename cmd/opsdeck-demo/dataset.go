package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// dataset is two and a half years of the sales system's life, in order of time. It is
// the same for the same end.
type dataset struct {
	rand  *rand.Rand
	rows  map[string][][]any
	times map[string][]time.Time
	done  map[string]int // rows already loaded
	count int            // audit rows made

	prices map[int]int64 // product id: cents
}

const (
	customerCount = 180
	orderCount    = 1200
	lateOrders    = 90
)

// newDataset makes the rows of the 900 days before now.
func newDataset(now time.Time) *dataset {
	d := &dataset{
		rand:   rand.New(rand.NewPCG(20260129, 7)),
		rows:   map[string][][]any{},
		times:  map[string][]time.Time{},
		done:   map[string]int{},
		prices: map[int]int64{},
	}
	first := now.AddDate(0, 0, -900)
	d.products(first)
	span := now.Add(-10 * time.Minute).Sub(first)
	customers := 0
	for n := 1; n <= orderCount; n++ {
		part := float64(n) / orderCount
		at := first.Add(time.Duration(math.Sqrt(part) * float64(span))).
			Add(time.Duration(d.rand.IntN(3600)) * time.Second)
		if left := orderCount - n; left < lateOrders { // the last day and a half is dense
			at = now.Add(-36 * time.Hour * time.Duration(left+1) / lateOrders)
		}
		if latest := now.Add(-5 * time.Minute); at.After(latest) {
			at = latest // what follows an order takes minutes
		}
		for customers < 12+int(part*(customerCount-12)) {
			customers++
			d.customer(customers, at.Add(-time.Hour))
		}
		d.order(n, 1+d.rand.IntN(customers), at)
	}
	return d
}

func (d *dataset) add(table string, at time.Time, values ...any) {
	d.rows[table] = append(d.rows[table], values)
	d.times[table] = append(d.times[table], at)
}

func (d *dataset) products(at time.Time) {
	id := 0
	for i, name := range goods {
		base := int64(300 + 97*i%900)
		for _, pack := range packs {
			id++
			d.prices[id] = int64(float64(base) * pack.factor)
			d.add(
				"products",
				at,
				id,
				fmt.Sprintf("QZ-%03d", id),
				name+" "+pack.name,
				pack.unit,
				money(d.prices[id]),
				fmt.Sprintf("%d.000", 50+d.rand.IntN(900)),
				at,
			)
		}
	}
}

func (d *dataset) customer(id int, at time.Time) {
	name := firm(d.rand)
	d.add(
		"customers",
		at,
		id,
		name,
		person(d.rand),
		phone(d.rand),
		pick(d.rand, cities)+street(d.rand),
		money(int64(1+d.rand.IntN(50))*1e6),
		at,
	)
	d.audit(at, 1+d.rand.IntN(9), "CREATE", "CUSTOMER", id, nil, map[string]any{"name": name})
}

// order is an order with its items, its way through approval and delivery, its
// invoice and, mostly, its payment.
func (d *dataset) order(id, customer int, at time.Time) {
	total := int64(0)
	for range 1 + d.rand.IntN(4) {
		product := 1 + d.rand.IntN(len(d.prices))
		qty := int64(1 + d.rand.IntN(60))
		total += qty * d.prices[product]
		d.add(
			"order_items",
			at,
			len(d.rows["order_items"])+1,
			id,
			product,
			fmt.Sprintf("%d.000", qty),
			money(d.prices[product]),
		)
	}
	status := pick(d.rand, statuses)
	user := 1 + d.rand.IntN(9)
	no := fmt.Sprintf("SO%s%05d", at.Format("20060102"), id)
	d.add("orders", at, id, no, customer, status, money(total), pick(d.rand, remarks), at)
	d.audit(
		at,
		user,
		"CREATE",
		"ORDER",
		id,
		nil,
		map[string]any{"orderNo": no, "customerId": customer, "totalAmount": money(total)},
	)
	if status == "PENDING" {
		return
	}
	d.audit(
		at.Add(time.Minute),
		1+user%9,
		map[bool]string{true: "REJECT", false: "APPROVE"}[status == "CANCELLED"],
		"ORDER",
		id,
		map[string]any{"status": "PENDING"},
		map[string]any{"status": status},
	)
	if status != "FULFILLED" {
		return
	}
	d.invoice(id, customer, total, user, at.Add(2*time.Minute))
}

func (d *dataset) invoice(order, customer int, total int64, user int, at time.Time) {
	id := len(d.rows["ar_invoices"]) + 1
	paid := d.rand.IntN(10) < 7
	d.add(
		"ar_invoices",
		at,
		id,
		fmt.Sprintf("INV%06d", id),
		order,
		money(total),
		at.AddDate(0, 0, 30).Format("2006-01-02"),
		paid,
		at,
	)
	d.audit(at, user, "CREATE", "AR_INVOICE", id, nil, map[string]any{"orderId": order, "amount": money(total)})
	if !paid {
		return
	}
	payment := len(d.rows["ar_payments"]) + 1
	d.add(
		"ar_payments",
		at,
		payment,
		fmt.Sprintf("PAY%06d", payment),
		customer,
		money(total),
		pick(d.rand, methods),
		at,
	)
	d.add("ar_payment_applications", at, payment, payment, id, money(total), at)
	d.audit(at, user, "APPLY", "AR_PAYMENT", payment, nil, map[string]any{"invoiceId": id, "amount": money(total)})
}

func (d *dataset) audit(at time.Time, user int, action, kind string, id int, before, after map[string]any) {
	d.count++
	d.add(
		"audit_logs",
		at,
		append([]any{d.count}, auditValues(d.rand, at, user, action, kind, id, before, after)...)...)
}

// auditValues are an audit row's values but its id.
func auditValues(
	r *rand.Rand,
	at time.Time,
	user int,
	action, kind string,
	id int,
	before, after map[string]any,
) []any {
	path := "/api/v1/" + strings.ToLower(strings.ReplaceAll(kind, "_", "-")) + "s"
	method := "POST"
	if action != "CREATE" {
		path = fmt.Sprintf("%s/%d/%s", path, id, strings.ToLower(action))
		method = "PATCH"
	}
	body := map[string]any{"operator": userName(user)}
	for k, v := range after {
		body[k] = v
	}
	return []any{
		user,
		action,
		kind,
		fmt.Sprint(id),
		document(before),
		document(after),
		fmt.Sprintf("10.0.%d.%d", r.IntN(4), 2+r.IntN(250)),
		pick(r, agents),
		path,
		document(body),
		method,
		fmt.Sprintf("%08x-%08x", r.Uint32(), r.Uint32()),
		`{"success": true}`,
		at,
	}
}

// document is JSON text, or NULL.
func document(v map[string]any) any {
	if v == nil {
		return nil
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// load puts in the rows of before cut that are not in yet.
func (d *dataset) load(ctx context.Context, db *sql.DB, cut time.Time) error {
	const batch = 4000 // the embedded server sorts the table after each statement
	for _, c := range columns {
		rows, from := d.rows[c.table], d.done[c.table]
		to := from
		for to < len(rows) && d.times[c.table][to].Before(cut) {
			to++
		}
		d.done[c.table] = to
		one := "(" + strings.TrimSuffix(strings.Repeat("?,", strings.Count(c.names, ",")+1), ",") + ")"
		for ; from < to; from += batch {
			part := rows[from:min(from+batch, to)]
			var args []any
			for _, row := range part {
				args = append(args, row...)
			}
			text := "INSERT INTO " + c.table + " (" + c.names + ") VALUES " + strings.TrimSuffix(
				strings.Repeat(one+",", len(part)),
				",",
			)
			if _, err := db.ExecContext(ctx, text, args...); err != nil {
				return fmt.Errorf("fill %s: %w", c.table, err)
			}
		}
	}
	return nil
}
