// Package memtx runs transactions over maps, for the fakes of storage in tests.
package memtx

import (
	"context"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Runner runs one transaction at a time. Save returns a function that puts the state back, for a rollback.
type Runner struct {
	mu   sync.Mutex
	Save func() (restore func())
}

type transaction struct{ after []func() }

// AfterCommit keeps f until the transaction has succeeded.
func (t *transaction) AfterCommit(f func()) { t.after = append(t.after, f) }

// InTx runs f alone; its error puts back what was saved before.
func (r *Runner) InTx(_ context.Context, f func(tx.Tx) error) error {
	t := &transaction{}
	if err := r.run(t, f); err != nil {
		return err
	}
	for _, done := range t.after {
		done()
	}
	return nil
}

func (r *Runner) run(t *transaction, f func(tx.Tx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	restore := r.Save()
	err := f(t)
	if err != nil {
		restore()
	}
	return err
}
