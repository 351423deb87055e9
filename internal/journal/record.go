// Package journal takes down what happened to each call, fast, and writes it to the database once.
package journal

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// Record is everything that one finished call leaves behind. Transfers are empty when it cost nothing; their balances
// are filled in when they are posted.
type Record struct {
	Task      tasks.Task
	Transfers []wallet.Transfer
}

// Sink writes records where they stay.
type Sink interface {
	// RecordsApply writes a batch in one transaction: the task rows, the transfers, the balances, and the batch's place in
	// the hash chain. A record whose task is there already is left out, so a batch may be applied again.
	RecordsApply(ctx context.Context, batch []*Record) error
}
