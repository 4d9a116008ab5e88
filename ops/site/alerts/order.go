package alerts

import (
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/alert"
)

// Ask leaves an order of this operator for the watch of the record's state folder, and
// notes it in the record.
func Ask(log *oplog.Log, o alert.Order) error {
	o.At = log.Now()
	o.By = oplog.UserName()
	if _, err := alert.Ask(log.Dir, o); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the request cannot be recorded"))
	}
	name := o.Rule
	if o.Service != "" {
		name = o.Service + "/" + o.Rule
	}
	detail := map[string]string{}
	if o.Why.EN != "" {
		detail["why"] = o.Why.EN
	}
	if !o.Until.IsZero() {
		detail["until"] = o.Until.Format("2006-01-02T15:04:05Z07:00")
	}
	return log.Record(oplog.Entry{Action: "alert." + o.Kind, Object: name, Result: oplog.Done, Detail: detail})
}
