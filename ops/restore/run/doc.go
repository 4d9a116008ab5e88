// Package run executes a restore's plan: the runner and its effects, the journal, the
// folder of each run with its plan, inbox and locks, and the answers to a run's questions
// when nobody is there. It makes no decisions about the plan: package restore does, and
// its state machine determines what follows from an event.
package run
