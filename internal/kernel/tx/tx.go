// Package tx names a transaction without saying which database runs it.
//
// Domains pass a Tx between their methods; only the store opens one and looks inside. A method whose name ends in Tx
// works in its caller's transaction. No network call is made while one is open.
package tx

import "context"

// Tx is an open transaction.
type Tx interface {
	// AfterCommit runs f once the transaction is durable, and never if it is rolled back.
	AfterCommit(f func())
}

// Runner opens transactions.
type Runner interface {
	// InTx runs f in one transaction, committed when f returns nil and rolled back otherwise.
	// Transactions do not nest.
	InTx(ctx context.Context, f func(Tx) error) error
}
