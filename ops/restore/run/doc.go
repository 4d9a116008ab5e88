// Package run carries a restore's plan out: the runner and its effects, the journal,
// the folder of each run with its plan, inbox and locks, and who answers the run's
// questions when nobody is there. It decides nothing of the plan: package restore
// does, and its machine says what follows from an event.
package run
